"""Writing folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PART = ".bnnfpga-part"
_OLD = f".old{_PART}"
_MAX_NAME = 40
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


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
