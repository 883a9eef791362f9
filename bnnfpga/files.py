"""Reading files that may be anything, and writing files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bnnfpga.errors import UserError

_PART = ".bnnfpga-part"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


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
        # A pipe would be waited for without O_NONBLOCK, which means nothing to files.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if stat.S_ISDIR(found.st_mode):
                raise refusal("it is a folder, not a file")
            if not stat.S_ISREG(found.st_mode):
                raise refusal("it is a device or a pipe, not a file")
            if most_bytes is not None and found.st_size > most_bytes:
                raise refusal(f"it has {found.st_size:,} bytes; at most {most_bytes:,} are expected")
            return file.read()
    except FileNotFoundError:
        raise refusal("there is no such file") from None
    except OSError as error:
        raise refusal(error.strerror) from error
    except ValueError as error:  # a NUL in the name
        raise refusal(error) from error


def require_writable(target: Path) -> None:
    """Refuse a file that cannot be written, before hours of work have gone into its content.

    Raises
    ------
    UserError
        When the folder does not exist or is closed, or the target is a folder itself.
    """
    try:
        is_folder, has_folder = target.is_dir(), target.parent.is_dir()
    except OSError as error:
        raise UserError(f"cannot write the file: {error.strerror}", where=str(target)) from error
    if is_folder:
        raise UserError("this is a folder, not a file", where=str(target), hint="give the name of the file to write")
    if not has_folder:
        raise UserError(
            f"the folder '{target.parent}' does not exist", where=str(target), hint="create the folder first"
        )
    if not os.access(target.parent, os.W_OK):
        raise UserError(f"the folder '{target.parent}' is not writable", where=str(target))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees a part of it; an older one is replaced only by a complete one."""
    partial = path.with_name(f".{path.name[:40]}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_output(target: Path, data: bytes) -> None:
    """Write a file that the user asked for, whole or not at all.

    Raises
    ------
    UserError
        When the file cannot be written.
    """
    require_writable(target)
    try:
        write_whole(target, data)
    except OSError as error:
        raise UserError(f"cannot write the file: {error.strerror}", where=str(target)) from error


@contextmanager
def whole_folder(target: Path, *, replace: bool) -> Iterator[Path]:
    """A folder to fill beside `target`, which takes that place in one step at the end.

    Nothing is left of it when anything is raised, and what a killed process left is removed by the next one.

    Parameters
    ----------
    target
        Where the folder shall be.
    replace
        Whether a folder that is there is replaced, and deleted.
    """
    prefix = f".{target.name[:40]}."
    _remove_leftovers(target.parent, prefix)
    part, lock = _locked_folder(target.parent, prefix)
    try:
        part.chmod(0o755)
        yield part
        if replace and target.exists():
            _exchange(part, target)
        else:
            part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        os.close(lock)


def _locked_folder(parent: Path, prefix: str) -> tuple[Path, int]:
    """A new folder, and a descriptor that holds its lock: so others see that somebody works on it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=_PART, dir=parent))
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY)
            with contextlib.suppress(OSError):  # Not every network file system has locks: there, leftovers stay.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists():
                return folder, descriptor
            os.close(descriptor)
        # Somebody took it for a leftover before it was locked.


def _remove_leftovers(parent: Path, prefix: str) -> None:
    for path in parent.iterdir():
        if not (path.name.startswith(prefix) and path.name.endswith(_PART)):
            continue
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path)
            finally:
                os.close(descriptor)


def _exchange(part: Path, target: Path) -> None:
    """Let two folders change places, in one step where the system can do that."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        failed = errno.ENOSYS
    else:
        places = (_AT_FDCWD, os.fsencode(part), _AT_FDCWD, os.fsencode(target))
        failed = ctypes.get_errno() if renameat2(*places, _RENAME_EXCHANGE) else 0
    if failed in (errno.ENOSYS, errno.EINVAL):
        old = part.with_name(f"{part.name.removesuffix(_PART)}.old{_PART}")
        target.rename(old)
        try:
            part.rename(target)
        except OSError:
            old.rename(target)
            raise
        old.rename(part)
    elif failed:
        raise OSError(failed, os.strerror(failed), str(target))
