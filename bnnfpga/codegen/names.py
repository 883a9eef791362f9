"""The one place where text from a model becomes safe for other tools.

Identifiers in generated hardware are made from operator kinds and numbers and need no cleaning; what remains is free
text (a model's or layer's name) in comments and file names.
"""

from __future__ import annotations

import re

_MAX_LENGTH = 100


def comment(text: str) -> str:
    """`text` for a one-line comment in any language: one line of printable ASCII, no comment or string delimiters."""
    plain = (
        re.sub(r"[^A-Za-z0-9 _.,:;()\[\]/+=-]", "_", text).replace("//", "/_").replace("/*", "/_").replace("*/", "_/")
    )
    return plain[:_MAX_LENGTH]


def file_stem(text: str) -> str:
    """`text` as a file name's stem that needs no quoting in any shell, make or Tcl."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)[:_MAX_LENGTH].strip("_-") or "model"
