"""The bound on the cache: what goes first, and what never goes."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.native import cache as cache_module
from bnnfpga.native import locks
from bnnfpga.native.cache import cache_use, cached_build, clear_cache
from bnnfpga.native.eviction import MEGABYTES, Freed, evict, size_limit

SPAWN = multiprocessing.get_context("spawn")
SECONDS = 60


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BNNFPGA_CACHE", str(tmp_path / "the cache"))
    monkeypatch.delenv(MEGABYTES, raising=False)
    return tmp_path / "the cache"


@pytest.fixture
def held_by_nobody() -> Iterator[None]:
    """Folders of this process count as those of one that has ended: only the last is held."""
    before, locks.MAX_HELD = locks.MAX_HELD, 1
    yield
    locks.MAX_HELD = before


def _fill(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "file").write_bytes(bytes(900))
    (folder / "file").write_bytes(bytes(100))


def filled(*keys: str) -> list[Path]:
    """Folders of 1,000 bytes, used in this order, long ago."""
    folders = [cached_build([key], _fill, "thing") for key in keys]
    for age, folder in enumerate(reversed(folders)):
        os.utime(folder, ns=(0, 10**18 - age))
    return folders


@pytest.mark.usefixtures("held_by_nobody")
def test_what_was_not_used_for_longest_goes_first(cache: Path) -> None:
    a, b, c, d = filled("a", "b", "c", "d")
    assert cached_build(["b"], _fill, "thing") == b
    cached_build(["a"], _fill, "thing")
    cached_build(["other"], _fill, "thing")
    os.utime(a, ns=(0, 10**18 - 9))
    assert evict(cache, 3500) == Freed(folders=2, bytes=2000)
    assert (a.exists(), b.exists(), c.exists(), d.exists()) == (False, True, False, True)
    assert evict(cache, 3000) == Freed()
    assert evict(cache, 2999) == Freed(folders=1, bytes=1000)
    assert sorted(path.is_dir() for path in cache.iterdir()) == [True] * 2


@pytest.mark.usefixtures("held_by_nobody")
def test_a_folder_that_was_deleted_is_built_again(cache: Path) -> None:
    (folder,) = filled("a")
    cached_build(["other"], _fill, "thing")
    evict(cache, 1000)
    assert not folder.exists()
    assert cached_build(["a"], _fill, "thing") == folder
    assert (folder / "inner" / "file").stat().st_size == 900


def test_what_this_process_uses_stays(cache: Path) -> None:
    folders = filled("a", "b")
    assert evict(cache, 0) == Freed(in_use=2)
    assert clear_cache() == Freed(in_use=2)
    assert all(folder.exists() for folder in folders)


def _use(key: str, held: Event, done: Event) -> None:
    cached_build([key], _fill, "thing")
    held.set()
    done.wait(SECONDS)
    if key == "killed":
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("key", ["ends", "killed"])
def test_what_another_process_uses_stays_until_that_ends(cache: Path, key: str) -> None:
    held, done = SPAWN.Event(), SPAWN.Event()
    process = SPAWN.Process(target=_use, args=(key, held, done))
    process.start()
    assert held.wait(SECONDS)
    (folder,) = cache.iterdir()
    assert clear_cache() == Freed(in_use=1)
    assert folder.exists()
    done.set()
    process.join()
    assert clear_cache() == Freed(folders=1, bytes=1000)
    assert list(cache.iterdir()) == []


def _build_and_evict(root: Path, seed: int) -> int:
    """Builds and deletes without end; says how many folders were not whole when they were handed out."""
    locks.MAX_HELD = 1
    broken = 0
    for turn in range(60):
        folder = cached_build([str((seed + turn) % 5)], _fill, "thing")
        evict(root, 0)
        broken += not ((folder / "inner" / "file").is_file() and (folder / "file").is_file())
    return broken


def test_nothing_is_deleted_under_processes_that_build_use_and_delete_at_once(cache: Path) -> None:
    with SPAWN.Pool(4) as pool:
        assert pool.starmap(_build_and_evict, [(cache, seed) for seed in range(4)]) == [0] * 4
    clear_cache()
    assert list(cache.iterdir()) == []


@pytest.mark.usefixtures("held_by_nobody")
def test_what_was_not_built_stays(cache: Path) -> None:
    filled("a", "b")
    for kept in ("hls-headers-1.3.0", "thing-of-mine", f"thing-{'0' * 32}-more"):
        (cache / kept).mkdir()
        (cache / kept / "file").write_text("mine")
    (cache / "failed-build.log").write_text("why")
    (cache / f"file-{'0' * 32}").write_text("no folder")
    before = set(cache.iterdir())
    freed = clear_cache()
    assert (freed.folders, freed.in_use) == (1, 1)
    assert len(before - set(cache.iterdir())) == 1
    assert all(path.name.startswith("thing-") for path in before - set(cache.iterdir()))


def test_what_nobody_finished_is_cleared(cache: Path) -> None:
    left = cache / f"thing-{'0' * 32}.part-x"
    left.mkdir(parents=True)
    clear_cache()
    assert list(cache.iterdir()) == []


def test_a_cache_that_is_not_there_is_empty(cache: Path) -> None:
    assert clear_cache() == Freed()
    assert cache_use().folders == 0
    assert not cache.exists()


def test_building_keeps_the_size(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first build of a process, and some more."""
    evicted: list[int] = []
    monkeypatch.setattr(cache_module, "_builds", itertools.count())
    monkeypatch.setattr(cache_module, "evict", lambda root, limit: evicted.append(limit))
    monkeypatch.setenv(MEGABYTES, "7")
    for number in range(33):
        cached_build([str(number)], _fill, "thing")
        cached_build([str(number)], _fill, "thing")
        assert len(evicted) == 1 + number // 32
    assert evicted == [7_000_000] * 2


def test_use(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled("a", "b")
    monkeypatch.setenv(MEGABYTES, "3")
    use = cache_use()
    assert (use.folder, use.folders, use.bytes, use.limit_bytes) == (cache, 2, 2000, 3_000_000)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "1e3", "9" * 40])
def test_a_size_that_is_none_is_told_before_anything_is_built(
    text: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MEGABYTES, text)
    with pytest.raises(UserError, match="is not a size of the cache") as caught:
        cached_build(["a"], _fill, "thing")
    assert caught.value.where == MEGABYTES
    assert not cache.exists()


def test_the_size_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert size_limit() == 2_000_000_000
    monkeypatch.setenv(MEGABYTES, "")
    assert size_limit() == 2_000_000_000


def test_a_cache_cleared_by_hand_is_noticed(cache: Path) -> None:
    (folder,) = filled("a")
    (folder / "file").unlink()
    (folder / "inner" / "file").unlink()
    (folder / "inner").rmdir()
    folder.rmdir()
    assert cached_build(["a"], _fill, "thing") == folder
    assert (folder / "file").is_file()
    assert evict(cache, 0) == Freed(in_use=1)
