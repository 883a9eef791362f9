"""Deleting from the cache: what nobody finished, and beyond a size what was not used for longest.

Only folders with the names that `cached_build` gives are counted and deleted, and none that a process holds. What else
lies in the cache was put there for other reasons, and stays: headers that were fetched, the log of a failed build.
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
"""What stands between the name of a folder and that of an attempt to make it, or of what is being deleted."""
_DEFAULT_MEGABYTES = 2000
_BUILT = re.compile(r"[a-z0-9-]+-[0-9a-f]{32}")


@dataclass(frozen=True)
class Entry:
    """A built folder: where it is, its bytes, and when it was last used, in ns."""

    folder: Path
    bytes: int
    used: int


@dataclass(frozen=True)
class Freed:
    """What was deleted: folders and their bytes; and how many folders were not, because a process holds them."""

    folders: int = 0
    bytes: int = 0
    in_use: int = 0


def size_limit() -> int:
    """The bytes that built folders may have: BNNFPGA_CACHE_MEGABYTES, else 2,000 megabytes.

    Raises
    ------
    UserError
        Where the variable is not a whole number of at least 1.
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
            continue  # deleted meanwhile, or a file that someone put there


def evict(root: Path, limit: int, *, wait: bool = False) -> Freed:
    """Delete folders that no process holds until `limit` bytes are left, first those not used for longest.

    One process at a time does, so that several do not delete more than one alone would. The others leave it to that
    one, unless they `wait`.
    """
    if not root.is_dir():
        return Freed()
    freed = Freed()
    with exclusive(root / "eviction.lock", wait=wait) as mine:
        found = sorted(entries(root), key=lambda entry: entry.used) if mine else []
        excess = sum(entry.bytes for entry in found) - limit
        for entry in found:
            if excess <= 0:
                break
            if _remove(entry.folder):
                excess -= entry.bytes
                freed = Freed(freed.folders + 1, freed.bytes + entry.bytes, freed.in_use)
            else:
                freed = Freed(freed.folders, freed.bytes, freed.in_use + 1)
    return freed


def clear(root: Path) -> Freed:
    """Delete all folders that no process holds, and what nobody finished."""
    remove_unfinished(root)
    return evict(root, -1, wait=True)


def remove_unfinished(root: Path, locked: Path | None = None) -> None:
    """Delete the unfinished folders that nobody works on.

    Those of `locked` are nobody's, for the caller holds its lock. The lock of another folder can be had only while
    nobody works on that.
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
        # It disappears at once: another process finds all of it or nothing.
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
