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

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.base.input_files import read_file
from bnnfpga.base.output_folders import restore_hidden, whole_folder
from tests.support.nets import DenseNet


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


KILLED_BETWEEN = """
import ctypes, os, signal, sys
from pathlib import Path
from bnnfpga.base.output_folders import whole_folder

ctypes.CDLL = lambda *_, **__: object()  # a system that cannot exchange two folders in one step
rename, renamed = Path.rename, []

def rename_and_die(self, other):
    if len(renamed) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    renamed.append(other)
    return rename(self, other)

Path.rename = rename_and_die
with whole_folder(Path(sys.argv[1]), replace=True) as folder:
    (folder / "new").touch()
"""


@pytest.mark.parametrize("name", ["project", "n" * 200])
@pytest.mark.parametrize("renames", [0, 1, 2, 3])
def test_a_folder_that_is_replaced_in_two_steps_survives_a_kill(tmp_path: Path, name: str, renames: int) -> None:
    """Wherever the process is killed, the old folder or the new one is there for the next one, which clears away."""
    target = tmp_path / name
    target.mkdir()
    (target / "old").touch()
    done = subprocess.run([sys.executable, "-c", KILLED_BETWEEN, str(target), str(renames)], check=False)
    assert done.returncode == (0 if renames == 3 else -signal.SIGKILL)
    if renames == 1:
        assert not target.exists()
    (tmp_path / f"{name}.b").mkdir()
    with whole_folder(tmp_path / f"{name}.b", replace=True):
        pass  # Work on a folder whose name starts alike takes nothing away.
    restore_hidden(target)
    assert names(target) == ["old" if renames < 2 else "new"]
    with whole_folder(target, replace=True) as folder:
        (folder / "last").touch()
    assert names(target) == ["last"]
    assert names(tmp_path) == [name, f"{name}.b"]


def test_a_project_that_was_hidden_by_a_kill_is_found_by_whoever_opens_it(tmp_path: Path) -> None:
    project = bnnfpga.compile(DenseNet((6, 4)).write(tmp_path), tmp_path / "project")
    subprocess.run([sys.executable, "-c", KILLED_BETWEEN, str(project.folder), "1"], check=False)
    assert not project.folder.exists()
    assert bnnfpga.Project.load(project.folder).description == project.description


def test_what_is_hidden_by_a_living_process_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    target = tmp_path / "project"
    target.mkdir()
    (target / "old").touch()
    rename = Path.rename

    def looked_at(self: Path, other: Path) -> Path:
        result = rename(self, other)
        if not target.exists():
            code = "import sys\nfrom pathlib import Path\nfrom bnnfpga.base.output_folders import restore_hidden\n"
            code += "restore_hidden(Path(sys.argv[1]))"
            subprocess.run([sys.executable, "-c", code, str(target)], check=True)
            assert not target.exists()
        return result

    monkeypatch.setattr(Path, "rename", looked_at)
    with whole_folder(target, replace=True) as folder:
        (folder / "new").touch()
    assert names(target) == ["new"]
    assert names(tmp_path) == ["project"]


@pytest.mark.parametrize("stopped_by", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_stops_half_way_leaves_nothing(tmp_path: Path, stopped_by: type[BaseException]) -> None:
    old = tmp_path / "project"
    old.mkdir()
    (old / "old").touch()

    def stop() -> None:
        with whole_folder(old, replace=True) as folder:
            (folder / "half").touch()
            raise stopped_by

    with pytest.raises(stopped_by):
        stop()
    assert names(tmp_path) == ["project"]
    assert names(old) == ["old"]


def test_what_was_killed_goes_away_and_what_lives_stays(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom bnnfpga.base.output_folders import whole_folder\n"
        "with whole_folder(Path(sys.argv[1]), replace=False) as folder:\n"
        "    (folder / 'half').touch()\n    os.kill(os.getpid(), int(sys.argv[2]))"
    )
    target = tmp_path / "project"
    done = subprocess.run([sys.executable, "-c", code, str(target), str(int(signal.SIGKILL))], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 1
    other = tmp_path / ".project.of-the-user"
    other.mkdir()
    with whole_folder(target, replace=True):
        assert len(names(tmp_path)) == 2, "the dead one's is gone"
        with whole_folder(target, replace=True):
            assert len(names(tmp_path)) == 3, "a living one's is not"
    assert names(tmp_path) == [other.name, "project"]


# -- files that users name ---------------------------------------------------------------------------------------------


def test_reading_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    assert read_file(tmp_path / "a", "it", "hint", 3) == b"abc"
    assert read_file(tmp_path / "link", "it", "hint") == b"abc"


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)
    cases = {
        "pipe": "a device or a pipe",
        "/dev/zero": "a device or a pipe",
        "/dev/full": "a device or a pipe",
        ".": "a folder",
        "none": "there is no such file",
        "n" * 300: "File name too long",
        "a\0b": "null",
        "huge": "1,099,511,627,776 bytes",
    }
    for name, message in cases.items():
        with pytest.raises(UserError) as caught:
            read_file(tmp_path / name, "the model", "give one", 1 << 20)
        assert caught.value.message.startswith("cannot read the model: ")
        assert message in caught.value.message
        assert caught.value.where == str(tmp_path / name)
        assert caught.value.hint == "give one"
