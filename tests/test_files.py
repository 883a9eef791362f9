"""Folders that appear whole or not at all, whatever stops the one who makes them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bnnfpga.files import whole_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["project", "two words", "-rf", "a*?[b]", "n" * 255, "漢" * 85])
def test_a_folder_is_made(tmp_path: Path, name: str) -> None:
    with whole_folder(tmp_path / name, replace=False) as folder:
        assert not (tmp_path / name).exists()
        (folder / "file").write_text("new")
    assert (tmp_path / name / "file").read_text() == "new"
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool) -> None:
    if not can_exchange:
        monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    old = tmp_path / "project"
    old.mkdir()
    (old / "old").touch()
    with whole_folder(old, replace=True) as folder:
        (folder / "file").write_text("new")
        assert names(old) == ["old"]
    assert names(old) == ["file"]
    assert names(tmp_path) == ["project"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere folders change places in two steps")
def test_a_folder_that_is_replaced_is_always_there(tmp_path: Path) -> None:
    target = tmp_path / "project"
    (target / "mark").mkdir(parents=True)
    missing, stop = [], threading.Event()

    def watch() -> None:
        while not stop.is_set():
            if not os.path.exists(target / "mark"):  # noqa: PTH110 (the fastest look)
                missing.append(True)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(100):
        with whole_folder(target, replace=True) as folder:
            (folder / "mark").mkdir()
    stop.set()
    watcher.join()
    assert not missing


@pytest.mark.parametrize("stopped_by", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_stops_half_way_leaves_nothing(tmp_path: Path, stopped_by: type[BaseException]) -> None:
    old = tmp_path / "project"
    old.mkdir()
    (old / "old").touch()
    with pytest.raises(stopped_by), whole_folder(old, replace=True) as folder:
        (folder / "half").touch()
        raise stopped_by
    assert names(tmp_path) == ["project"]
    assert names(old) == ["old"]


def test_what_was_killed_goes_away_and_what_lives_stays(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom bnnfpga.files import whole_folder\n"
        "with whole_folder(Path(sys.argv[1]), replace=False) as folder:\n"
        "    (folder / 'half').touch()\n    os.kill(os.getpid(), int(sys.argv[2]))"
    )
    target = tmp_path / "project"
    done = subprocess.run([sys.executable, "-c", code, str(target), str(int(signal.SIGKILL))], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 1
    other = tmp_path / ".project.of-the-user"
    other.mkdir()
    with whole_folder(target, replace=False):
        assert len(names(tmp_path)) == 2, "the dead one's is gone"
        with pytest.raises(ZeroDivisionError), whole_folder(target, replace=False):
            assert len(names(tmp_path)) == 3, "a living one's is not"
            raise ZeroDivisionError
    assert names(tmp_path) == [other.name, "project"]
