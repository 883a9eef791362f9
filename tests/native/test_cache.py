"""The cache of built folders."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.native.cache import cache_folder, cached_build, digest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BNNFPGA_CACHE", str(tmp_path / "the cache"))
    return tmp_path / "the cache"


class Builder:
    """Counts how often it builds."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        assert list(folder.iterdir()) == []
        (folder / "file").write_text("whole")


def test_a_folder_is_made_once(cache: Path) -> None:
    build = Builder()
    first = cached_build(["a", b"b"], build, "thing")
    assert first == cached_build(["a", "b"], build, "thing")
    assert build.calls == 1
    assert first.parent == cache
    assert first.name.startswith("thing-")
    assert (first / "file").read_text() == "whole"
    assert list(cache.iterdir()) == [first]


def test_another_key_is_another_folder() -> None:
    build = Builder()
    assert cached_build(["a"], build, "thing") != cached_build(["b"], build, "thing")
    assert build.calls == 2


def test_parts_do_not_run_together() -> None:
    keys = [["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], ["", "abc"]]
    assert len({digest(key) for key in keys}) == len(keys)


def test_a_build_that_fails_leaves_nothing(cache: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "file").write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cached_build(["a"], fail, "thing")
    assert list(cache.iterdir()) == []
    cached_build(["a"], Builder(), "thing")


def test_ctrl_c_leaves_nothing(cache: Path) -> None:
    def interrupt(folder: Path) -> None:
        (folder / "file").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_build(["a"], interrupt, "thing")
    assert list(cache.iterdir()) == []


def _die(folder: Path) -> None:
    (folder / "file").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)


def _build_and_die(key: str) -> None:
    cached_build([key], _die, "thing")


@pytest.mark.parametrize("key", ["a", "b"])
def test_what_a_killed_process_left_is_never_used_and_goes_away(cache: Path, key: str) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_build_and_die, args=("a",))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert len(list(cache.glob("*.part-*"))) == 1
    target = cached_build([key], Builder(), "thing")
    assert (target / "file").read_text() == "whole"
    assert list(cache.iterdir()) == [target]


def _slowly(folder: Path) -> None:
    with (folder.parent.parent / "builds").open("a") as log:
        log.write("one\n")
    (folder / "file").write_text("half")
    time.sleep(0.5)
    (folder / "file").write_text("whole")


def _build_slowly(key: str) -> str:
    return (cached_build([key], _slowly, "thing") / "file").read_text()


def test_processes_at_once(cache: Path, tmp_path: Path) -> None:
    """Those with one key wait for the first; those with another neither wait nor sweep away what is being made."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert pool.map(_build_slowly, ["a", "a", "b", "a"], chunksize=1) == ["whole"] * 4
    assert (tmp_path / "builds").read_text() == "one\n" * 2
    assert len(list(cache.iterdir())) == 2


def test_a_cache_that_nobody_may_write_serves_what_it_holds(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = Builder()
    held = cached_build(["a"], build, "thing")

    # Root may write everything, so the refusal is made up.
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied", str(cache))

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert cached_build(["a"], build, "thing") == held
    with pytest.raises(UserError, match="cannot be used: Permission denied") as caught:
        cached_build(["b"], build, "thing")
    assert caught.value.where == str(cache)
    assert "BNNFPGA_CACHE" in str(caught.value.hint)


def test_a_full_disk() -> None:
    def fill(folder: Path) -> None:
        raise OSError(28, "No space left on device", str(folder))

    with pytest.raises(UserError, match="No space left on device"):
        cached_build(["a"], fill, "thing")


def test_a_file_where_the_cache_should_be(cache: Path) -> None:
    cache.write_text("")
    with pytest.raises(UserError, match="cannot be used"):
        cached_build(["a"], Builder(), "thing")


def test_errors_of_the_build_stay_what_they_are() -> None:
    def fail(folder: Path) -> None:
        (folder / "absent").read_text()

    with pytest.raises(FileNotFoundError):
        cached_build(["a"], fail, "thing")


def test_where_the_cache_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "the cache"
    monkeypatch.delenv("BNNFPGA_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "bnnfpga"
    for ignored in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert cache_folder() == tmp_path / "home" / ".cache" / "bnnfpga"


def test_a_disk_without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(UserError, match="cannot be used: No locks available") as caught:
        cached_build(["key"], Builder(), "thing")
    assert "local disk" in str(caught.value.hint)
