"""Reading files that users name, whatever they turn out to be."""

from __future__ import annotations

import stat
from pathlib import Path

from bnnfpga.base.errors import UserError


def read_file(path: Path, what: str, hint: str, most_bytes: int | None = None) -> bytes:
    """Read a file that the user names.

    Parameters
    ----------
    path
        The file.
    what
        Its role in messages, such as "the model".
    hint
        What to do if it cannot be read.
    most_bytes
        The size limit, if there is one.

    Raises
    ------
    UserError
        If it does not exist, cannot be read, is too large, or is a folder, a device or a pipe (which may never end).
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
