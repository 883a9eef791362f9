"""Locks between processes: who makes a folder, and who uses it.

A folder is made under the lock of a file beside it, and used under a shared lock of the folder itself, so that using
one writes nothing. The system gives both back when a process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_HELD = 64
"""Folders that a process holds at a time, each with an open file: the last ones that it asked for."""

_held: OrderedDict[Path, int] = OrderedDict()
_guard = threading.Lock()


def lock_file(target: Path) -> Path:
    """The file whose lock belongs to the one who makes `target`."""
    return target.with_name(f"{target.name}.lock")


@contextmanager
def exclusive(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Holds the lock file `path`; yields whether it was got, which is always so if `wait`."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            # The one who held it before may have deleted the file: then this lock is on a file that nobody sees.
            if not _is_same(path, descriptor):
                continue
            try:
                yield True
            finally:
                path.unlink(missing_ok=True)
            return
        finally:
            os.close(descriptor)


def hold(folder: Path) -> bool:
    """Whether the folder is there; if so, nobody finds it `unused` while this process lives, and it is marked as used.

    Folders that cannot be locked are used without: nobody can lock them to delete them, either.
    """
    with _guard:
        descriptor = _held.get(folder)
        if descriptor is None or not _is_same(folder, descriptor):
            try:
                descriptor = _shared(folder)
            except (FileNotFoundError, NotADirectoryError):
                return False
            except OSError:
                return folder.is_dir()
        _keep(folder, descriptor)
        return True


def publish(part: Path, target: Path) -> None:
    """Give a finished folder its name `target`; it is held from the first moment that others see it."""
    with _guard:
        descriptor = None
        with suppress(OSError):
            descriptor = _shared(part)
        try:
            part.rename(target)
        except BaseException:
            if descriptor is not None:
                os.close(descriptor)
            raise
        if descriptor is not None:
            _keep(target, descriptor)


@contextmanager
def unused(folder: Path) -> Iterator[bool]:
    """Yields whether no process holds the folder; until the block ends, none can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield _is_same(folder, descriptor)
    finally:
        os.close(descriptor)


def _keep(folder: Path, descriptor: int) -> None:
    """Keep the lock of a folder that was just asked for; the guard is held."""
    before = _held.pop(folder, descriptor)
    if before != descriptor:
        os.close(before)
    # On a disk that is read-only, or another's, the time stays what it is.
    with suppress(OSError):
        os.utime(descriptor)
    _held[folder] = descriptor
    while len(_held) > MAX_HELD:
        os.close(_held.popitem(last=False)[1])


def _shared(folder: Path) -> int:
    """A descriptor of the folder under a shared lock."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        # Whoever held the lock for themselves has moved the folder away, to delete it.
        if not _is_same(folder, descriptor):
            raise FileNotFoundError(folder)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_same(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False
