"""A cache of folders that are made once and named by what they were made from.

A folder in the cache is complete: it is made under another name beside its place and moved there in one step. Who makes
it holds a lock, so a second process waits and then finds it. What an interrupted process left is deleted by the next
one that makes something. A cache that nobody may write still serves what it holds.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bnnfpga.base.errors import UserError

_UNUSABLE = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EEXIST,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOLCK,
    errno.ENOSPC,
    errno.ENOSYS,
    errno.ENOTDIR,
    errno.ENOTSUP,
    errno.EPERM,
    errno.EROFS,
}
"""What a disk answers that is full, read-only, without locks, or not there at all."""
_PART = ".part-"


def cache_folder() -> Path:
    """Where the cache lies: BNNFPGA_CACHE, else `bnnfpga` below XDG_CACHE_HOME, else `~/.cache/bnnfpga`."""
    named = os.environ.get("BNNFPGA_CACHE")
    if named:
        return Path(named).absolute()
    # The XDG specification: a relative path there is to be ignored.
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():
        return base / "bnnfpga"
    try:
        return Path.home() / ".cache" / "bnnfpga"
    except RuntimeError as error:
        raise UserError("there is no home folder to keep built programs in", hint="set BNNFPGA_CACHE") from error


def digest(parts: Sequence[str | bytes]) -> str:
    """A short name for a sequence of texts; another sequence has another one."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()[:32]


def cached_build(key_parts: Sequence[str | bytes], build: Callable[[Path], None], name: str) -> Path:
    """The folder made from `key_parts`, by `build` where the cache does not hold it yet.

    Parameters
    ----------
    key_parts
        Everything that the folder's contents depend on.
    build
        Fills the empty folder that it is given. The folder is moved afterwards: nothing in it may name its own place.
    name
        Start of the folder's name, for people who look into the cache.

    Raises
    ------
    UserError
        Where the cache cannot be used. What else `build` raises passes through, and leaves nothing in the cache.
    """
    root = cache_folder()
    target = root / f"{name}-{digest(key_parts)}"
    try:
        if target.is_dir():
            return target
        root.mkdir(parents=True, exist_ok=True)
        with _lock(_lock_file(target)):
            if not target.is_dir():
                _remove_leftovers(target)
                _make(target, build)
    except OSError as error:
        if error.errno not in _UNUSABLE:
            raise
        raise UserError(
            f"the cache of built programs cannot be used: {error.strerror}",
            where=str(root),
            hint="set BNNFPGA_CACHE to a folder on a local disk, with room, that you may write",
        ) from error
    return target


def _make(target: Path, build: Callable[[Path], None]) -> None:
    part = Path(tempfile.mkdtemp(prefix=f"{target.name}{_PART}", dir=target.parent))
    try:
        build(part)
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _lock_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.lock")


@contextmanager
def _lock(path: Path, *, wait: bool = True) -> Iterator[bool]:
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


def _is_same(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _remove_leftovers(target: Path) -> None:
    """Deletes the unfinished folders that nobody works on; the lock of `target` is held.

    So those of `target` are nobody's. The lock of another folder can be had only while nobody works on that.
    """
    for part in target.parent.glob(f"*{_PART}*"):
        owner = target.with_name(part.name.partition(_PART)[0])
        if owner == target:
            shutil.rmtree(part, ignore_errors=True)
            continue
        with _lock(_lock_file(owner), wait=False) as free:
            if free:
                shutil.rmtree(part, ignore_errors=True)
