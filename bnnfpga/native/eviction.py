"""Deleting from the cache: unfinished folders and, beyond a size limit, the least recently used ones.

Only folders named by `cached_build` are counted and deleted, and none that a process holds. Everything else in the
cache stays: fetched headers, the log of a failed build.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bnnfpga.base.errors import UserError
from bnnfpga.native.locks import exclusive, lock_file, unused

MEGABYTES = "BNNFPGA_CACHE_MEGABYTES"
PART = ".part-"
"""Separates a folder's name from a temporary suffix, while it is being built or deleted."""
_DEFAULT_MEGABYTES = 2000
_BUILT = re.compile(r"[a-z0-9-]+-[0-9a-f]{32}")


@dataclass(frozen=True)
class Entry:
    """A built folder: its path, its size in bytes, and the time of its last use in ns."""

    folder: Path
    bytes: int
    used: int


@dataclass(frozen=True)
class Freed:
    """The folders that were deleted, their bytes, and the number of folders kept because a process holds them."""

    folders: int = 0
    bytes: int = 0
    in_use: int = 0


def size_limit() -> int:
    """The limit for built folders in bytes: BNNFPGA_CACHE_MEGABYTES, else 2,000 megabytes.

    Raises
    ------
    UserError
        If the variable is not a whole number of at least 1.
    """
    text = os.environ.get(MEGABYTES) or str(_DEFAULT_MEGABYTES)
    if not re.fullmatch(r"0*[1-9]\d{0,11}", text):
        raise UserError(f"{text!r} is not a size of the cache", where=MEGABYTES, hint="set it to a number of megabytes")
    return int(text) * 1_000_000


def entries(root: Path) -> Iterator[Entry]:
    """The built folders of the cache `root`, which need not exist."""
    try:
        with os.scandir(root) as listed:
            names = [item.name for item in listed if _BUILT.fullmatch(item.name)]
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        folder = root / name
        try:
            yield Entry(folder, _size(str(folder)), folder.stat().st_mtime_ns)
        except (FileNotFoundError, NotADirectoryError):
            continue  # deleted meanwhile, or a file of that name


def evict(root: Path, limit: int, *, wait: bool = False) -> Freed:
    """Delete folders that no process holds, least recently used first, until at most `limit` bytes are left.

    Only one process at a time evicts, so that several together do not delete too much. Others return without
    evicting, or wait for their turn if `wait`.
    """
    if not root.is_dir():
        return Freed()
    freed = Freed()
    with exclusive(root / "eviction.lock", wait=wait) as mine:
        oldest_first = sorted(entries(root), key=lambda entry: entry.used) if mine else []
        excess = sum(entry.bytes for entry in oldest_first) - limit
        for entry in oldest_first:
            if excess <= 0:
                break
            if _remove(entry.folder):
                excess -= entry.bytes
                freed = Freed(freed.folders + 1, freed.bytes + entry.bytes, freed.in_use)
            else:
                freed = Freed(freed.folders, freed.bytes, freed.in_use + 1)
    return freed


def clear(root: Path) -> Freed:
    """Delete all folders that no process holds, and all abandoned unfinished ones."""
    remove_unfinished(root)
    return evict(root, -1, wait=True)


def remove_unfinished(root: Path, locked: Path | None = None) -> None:
    """Delete unfinished folders that no process is working on.

    The caller holds the lock of `locked`, so its unfinished folders are abandoned. Others are abandoned if their lock
    is free.
    """
    for part in root.glob(f"*{PART}*"):
        owner = root / part.name.partition(PART)[0]
        if owner == locked:
            shutil.rmtree(part, ignore_errors=True)
            continue
        with exclusive(lock_file(owner), wait=False) as free:
            if free:
                shutil.rmtree(part, ignore_errors=True)


def _remove(folder: Path) -> bool:
    """Delete the folder; False if a process holds it."""
    with unused(folder) as free:
        if not free:
            return False
        # Renamed first, so that it disappears in one step: other processes find all of it or nothing.
        doomed = Path(tempfile.mkdtemp(prefix=f"{folder.name}{PART}", dir=folder.parent))
        folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
    return True


def _size(folder: str) -> int:
    total = 0
    with os.scandir(folder) as listed:
        for item in listed:
            is_folder = item.is_dir(follow_symlinks=False)
            total += _size(item.path) if is_folder else item.stat(follow_symlinks=False).st_size
    return total
