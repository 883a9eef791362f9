"""A content-addressed cache of folders: each is built once and named by a digest of what it was built from.

A folder in the cache is always complete: it is built under a temporary name beside its place and renamed in one step.
The process that builds it holds a lock, so that a second one waits and then finds it; processes that use it hold
another, so that it is not deleted meanwhile. The next build deletes what interrupted processes left behind, and, once
the cache is too large, the least recently used folders. A read-only cache still serves what it holds.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bnnfpga.base.errors import UserError
from bnnfpga.native.eviction import PART, Freed, clear, entries, evict, remove_unfinished, size_limit
from bnnfpga.native.locks import exclusive, hold, lock_file, publish

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
"""Errors of a disk that is full, read-only, without locks, or missing."""
_BUILDS_BETWEEN_EVICTIONS = 32
"""Per process, which evicts after its first build: looking at all folders costs a noticeable part of a build's time."""

_builds = itertools.count()


@dataclass(frozen=True)
class CacheUse:
    """The cache's use by built folders: their number, their bytes, and the limit in bytes."""

    folder: Path
    folders: int
    bytes: int
    limit_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON data."""
        return {**asdict(self), "folder": str(self.folder)}


def cache_folder() -> Path:
    """The cache's folder: BNNFPGA_CACHE, else `bnnfpga` below XDG_CACHE_HOME, else `~/.cache/bnnfpga`."""
    named = os.environ.get("BNNFPGA_CACHE")
    if named:
        return Path(named).absolute()
    # The XDG specification demands that relative paths there be ignored.
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():
        return base / "bnnfpga"
    try:
        return Path.home() / ".cache" / "bnnfpga"
    except RuntimeError as error:
        raise UserError("there is no home folder to keep built programs in", hint="set BNNFPGA_CACHE") from error


def digest(parts: Sequence[str | bytes]) -> str:
    """A short name for a sequence of texts; different sequences get different names."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()[:32]


def cached_build(key_parts: Sequence[str | bytes], build: Callable[[Path], None], name: str) -> Path:
    """The cached folder for `key_parts`; `build` creates its contents if the cache does not hold it yet.

    Parameters
    ----------
    key_parts
        Everything that the folder's contents depend on.
    build
        Fills an empty folder. The folder is moved afterwards, so nothing in it may contain its own path.
    name
        Prefix of the folder's name, for people who look into the cache.

    Raises
    ------
    UserError
        If the cache cannot be used. Exceptions from `build` pass through and leave nothing in the cache.
    """
    root = cache_folder()
    target = root / f"{name}-{digest(key_parts)}"
    built = False
    with _usable(root):
        if hold(target):
            return target
        limit = size_limit()
        root.mkdir(parents=True, exist_ok=True)
        with exclusive(lock_file(target)):
            if not hold(target):
                remove_unfinished(root, target)
                _make(target, build)
                built = True
    if built and next(_builds) % _BUILDS_BETWEEN_EVICTIONS == 0:
        # The build succeeded, whether or not other folders can be deleted.
        with suppress(OSError):
            evict(root, limit)
    return target


def cache_use() -> CacheUse:
    """The cache's present use.

    Raises
    ------
    UserError
        If there is no home folder, or the cache's size limit is not a number.
    """
    root = cache_folder()
    with _usable(root):
        built = list(entries(root))
    return CacheUse(root, len(built), sum(entry.bytes for entry in built), size_limit())


def clear_cache() -> Freed:
    """Delete all built folders that are not in use.

    Raises
    ------
    UserError
        If the cache cannot be used.
    """
    root = cache_folder()
    with _usable(root):
        return clear(root)


@contextmanager
def _usable(root: Path) -> Iterator[None]:
    """Report the disk's errors as `UserError`: only the user can mend them."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNUSABLE:
            raise
        raise UserError(
            f"the cache of built programs cannot be used: {error.strerror}",
            where=str(root),
            hint="set BNNFPGA_CACHE to a folder on a local disk, with room, that you may write",
        ) from error


def _make(target: Path, build: Callable[[Path], None]) -> None:
    part = Path(tempfile.mkdtemp(prefix=f"{target.name}{PART}", dir=target.parent))
    try:
        build(part)
        publish(part, target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
