"""Locks between processes that build and use cached folders.

A folder is built under the lock of a file beside it, and used under a shared lock of the folder itself, so that using
one writes nothing. The system releases both when a process ends, however it ends.
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
"""Most folders that a process holds at a time, each with an open file: the ones it requested last."""

_held: OrderedDict[Path, int] = OrderedDict()
_guard = threading.Lock()


def lock_file(target: Path) -> Path:
    """The file that is locked while `target` is being built."""
    return target.with_name(f"{target.name}.lock")


@contextmanager
def exclusive(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock file `path`; yields whether the lock was acquired, which is always true with `wait`."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            # The previous holder may have deleted the file: then this lock is on a file that is no longer visible.
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
    """Whether the folder exists; if so, it is marked as used and stays in use while this process lives.

    Folders that cannot be locked are used without a lock: they cannot be locked for deletion, either.
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
    """Rename a finished folder to `target`; this process holds it from the moment that others can see it."""
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
    """Yield whether no process holds the folder; if so, none can until the block ends."""
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
    """Keep the lock of a folder that was just requested; the caller holds the guard."""
    before = _held.pop(folder, descriptor)
    if before != descriptor:
        os.close(before)
    # On a read-only disk, or another user's, the time of use stays as it is.
    with suppress(OSError):
        os.utime(descriptor)
    _held[folder] = descriptor
    while len(_held) > MAX_HELD:
        os.close(_held.popitem(last=False)[1])


def _shared(folder: Path) -> int:
    """Open a folder under a shared lock."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        # The previous, exclusive holder has moved the folder away to delete it.
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
