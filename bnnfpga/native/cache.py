"""A cache of folders that are made once and named by what they were made from.

A folder in the cache is complete: it is made under another name beside its place and moved there in one step. Who makes
it holds a lock, so a second process waits and then finds it; who uses it holds another, so that nobody deletes it
meanwhile. What an interrupted process left is deleted by the next one that makes something, and so is what was not used
for longest where the cache has become too large. A cache that nobody may write still serves what it holds.
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
"""What a disk answers that is full, read-only, without locks, or not there at all."""
_BUILDS_BETWEEN_EVICTIONS = 32
"""Of one process, which evicts after its first: looking at all folders takes some of the time that a build takes."""

_builds = itertools.count()


@dataclass(frozen=True)
class CacheUse:
    """What the cache holds of what was built: how many folders, their bytes, and how many they may have."""

    folder: Path
    folders: int
    bytes: int
    limit_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {**asdict(self), "folder": str(self.folder)}


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
        # What was built is there, whether or not others can be deleted.
        with suppress(OSError):
            evict(root, limit)
    return target


def cache_use() -> CacheUse:
    """What the cache holds now.

    Raises
    ------
    UserError
        Where there is no home folder, or the cache's size is set to something else than a number.
    """
    root = cache_folder()
    with _usable(root):
        found = list(entries(root))
    return CacheUse(root, len(found), sum(entry.bytes for entry in found), size_limit())


def clear_cache() -> Freed:
    """Delete all that was built and that no process holds.

    Raises
    ------
    UserError
        Where the cache cannot be used.
    """
    root = cache_folder()
    with _usable(root):
        return clear(root)


@contextmanager
def _usable(root: Path) -> Iterator[None]:
    """What a disk refuses is the user's to change."""
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
