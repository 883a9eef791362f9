"""Reading files that may be anything."""

from __future__ import annotations

import stat
from pathlib import Path

from bnnfpga.base.errors import UserError


def read_file(path: Path, what: str, hint: str, most_bytes: int | None = None) -> bytes:
    """The bytes of a file that a user names.

    Parameters
    ----------
    path
        The file.
    what
        What it is for, as messages call it: "the model".
    hint
        What to give instead where it cannot be read.
    most_bytes
        How long it may be, where there is a limit.

    Raises
    ------
    UserError
        If there is none, it cannot be read, is too long, or is a folder, a device or a pipe, which may never end.
    """

    def refusal(reason: object) -> UserError:
        return UserError(f"cannot read {what}: {reason}", where=str(path), hint=hint)

    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise refusal("it is a folder, not a file")
        if not stat.S_ISREG(found.st_mode):
            raise refusal("it is a device or a pipe, not a file")
        if most_bytes is not None and found.st_size > most_bytes:
            raise refusal(f"it has {found.st_size:,} bytes; at most {most_bytes:,} are expected")
        return path.read_bytes()
    except FileNotFoundError:
        raise refusal("there is no such file") from None
    except OSError as error:
        raise refusal(error.strerror) from error
    except ValueError as error:  # a NUL in the name
        raise refusal(error) from error
