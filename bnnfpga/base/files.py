"""Reading files that may be anything, and writing files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bnnfpga.base.errors import UserError

_PART = ".bnnfpga-part"
_OLD = f".old{_PART}"
_MAX_NAME = 40
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
        raise UserError(
            f"cannot write the file: {error.strerror}",
            where=str(target),
            hint="choose a writable folder with free space",
        ) from error
    if is_folder:
        raise UserError("this is a folder, not a file", where=str(target), hint="give the name of the file to write")
    if not has_folder:
        raise UserError(
            f"the folder '{target.parent}' does not exist", where=str(target), hint="create the folder first"
        )
    if not os.access(target.parent, os.W_OK):
        raise UserError(
            f"the folder '{target.parent}' is not writable",
            where=str(target),
            hint="choose a folder that you may write",
        )


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
        raise UserError(
            f"cannot write the file: {error.strerror}",
            where=str(target),
            hint="choose a writable folder with free space",
        ) from error


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
    restore_hidden(target)
    _remove_leftovers(target)
    part, lock = _locked_folder(target)
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


def restore_hidden(target: Path) -> None:
    """Put a folder back that a process was about to replace when it was killed.

    Only where the system cannot let two folders change places (see `_exchange`) is the old one away for a moment.
    """
    if os.path.lexists(target) or not target.parent.is_dir():
        return
    for path in _beside(target, _OLD):
        with contextlib.suppress(OSError), _locked(path):
            if not os.path.lexists(target):
                path.rename(target)


def _prefix(target: Path) -> str:
    """What the names of all folders start with that are made for this one; long names are cut, and told apart."""
    name = target.name
    if len(name) > _MAX_NAME:
        name = f"{name[:_MAX_NAME]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"
    return f".{name}."


def _beside(target: Path, suffix: str) -> list[Path]:
    """Folders that were made for this one, by the end of their names."""
    prefix = _prefix(target)
    # What tempfile makes has no dot: with one it is another folder's, whose name starts like this one's.
    return [
        path
        for path in target.parent.iterdir()
        if path.name.startswith(prefix)
        and path.name.endswith(suffix)
        and "." not in path.name[len(prefix) : -len(suffix)]
    ]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder that nobody works on; an `OSError` where somebody does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _locked_folder(target: Path) -> tuple[Path, int]:
    """A new folder, and a descriptor that holds its lock: so others see that somebody works on it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_prefix(target), suffix=_PART, dir=target.parent))
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY)
            with contextlib.suppress(OSError):  # Not every network file system has locks: there, leftovers stay.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists():
                return folder, descriptor
            os.close(descriptor)
        # Somebody took it for a leftover before it was locked.


def _remove_leftovers(target: Path) -> None:
    old = _beside(target, _OLD)
    for path in [*_beside(target, _PART), *(old if target.exists() else ())]:
        with contextlib.suppress(OSError), _locked(path):
            shutil.rmtree(path)


def _exchange(part: Path, target: Path) -> None:
    """Let two folders change places, in one step where the system can do that.

    Elsewhere the old one is away for a moment. It is locked meanwhile, and whoever finds it without its process puts it
    back.
    """
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        failed = errno.ENOSYS
    else:
        places = (_AT_FDCWD, os.fsencode(part), _AT_FDCWD, os.fsencode(target))
        failed = ctypes.get_errno() if renameat2(*places, _RENAME_EXCHANGE) else 0
    if failed in (errno.ENOSYS, errno.EINVAL):
        old = part.with_name(f"{part.name.removesuffix(_PART)}{_OLD}")
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):  # no locks here: then the old one is not put back, nor deleted
                stack.enter_context(_locked(target))
            target.rename(old)
            try:
                part.rename(target)
            except OSError:
                old.rename(target)
                raise
            old.rename(part)
    elif failed:
        raise OSError(failed, os.strerror(failed), str(target))
