"""Simulators built and run by a real Verilator, around two queues of four beats."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.native.toolchain import find_compiler, find_verilator, missing_fst_headers
from bnnfpga.simulate.runners.simulator import OPTIMIZE
from bnnfpga.simulate.runners.verilator import SimulationDeadlock, SimulationError, build_simulator, run_simulator
from tests.simulate.projects import BEATS, LATENCY, MASK, Tiny, make_project


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return make_project(tmp_path_factory.mktemp("tiny") / "project")


def test_frames_pass_back_to_back(tiny: Tiny, verilator: str | None) -> None:
    simulator = build_simulator(tiny.folder, verilator=verilator)
    data = tiny.random_input(20)
    run = run_simulator(simulator, tiny.memories, data, 20)
    np.testing.assert_array_equal(run.output, tiny.expected(data))
    assert run.first_input_cycle == 0
    np.testing.assert_array_equal(run.frame_done, LATENCY + BEATS - 1 + BEATS * np.arange(20))
    assert run.cycles == run.frame_done[-1] + 1
    assert run.seconds > 0
    assert run.streams is None


@pytest.mark.parametrize(
    "width", [pytest.param(8, marks=pytest.mark.slow), 40, 72, pytest.param(2056, marks=pytest.mark.slow)]
)
def test_ports_of_any_width(tmp_path: Path, width: int, verilator: str | None) -> None:
    """Verilator keeps ports in 8, 16, 32 and 64 bits, wider ones in words; and counts ones in three ways."""
    project = make_project(tmp_path / "project", width=width)
    data = project.random_input(10)
    run = run_simulator(build_simulator(project.folder, verilator=verilator), project.memories, data.tobytes(), 10)
    np.testing.assert_array_equal(run.output, project.expected(data))


def test_stalls_change_cycles_and_nothing_else(tiny: Tiny, verilator: str | None) -> None:
    simulator = build_simulator(tiny.folder, verilator=verilator)
    data = tiny.random_input(200)
    plain = run_simulator(simulator, tiny.memories, data, 200)
    stalled = [run_simulator(simulator, tiny.memories, data, 200, stall_seed=seed) for seed in (0, 1, 1)]
    for run in stalled:
        np.testing.assert_array_equal(run.output, plain.output)
        assert run.cycles > plain.cycles
    assert stalled[0].cycles != stalled[1].cycles
    np.testing.assert_array_equal(stalled[1].frame_done, stalled[2].frame_done)


def test_memories_are_read_at_run_time(tmp_path: Path, tiny: Tiny) -> None:
    build_simulator(tiny.folder)
    copy = Tiny(tmp_path / "copy", tiny.width)
    shutil.copytree(tiny.folder, copy.folder)
    copy.set_mask(MASK ^ 0xFF00)
    simulator = build_simulator(copy.folder)
    assert simulator.from_cache
    assert simulator.build_seconds < 2
    data = copy.random_input(3)
    run = run_simulator(simulator, copy.memories, data, 3)
    np.testing.assert_array_equal(run.output, copy.expected(data, MASK ^ 0xFF00))


def test_changed_rtl_is_built_again(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", width=16)
    first = build_simulator(project.folder)
    source = project.folder / "rtl" / "tiny_queue.sv"
    source.write_text(source.read_text().replace("^ mask[0]", "^ ~mask[0]"))
    second = build_simulator(project.folder)
    assert not second.from_cache
    assert second.path != first.path
    data = project.random_input(3)
    run = run_simulator(second, project.memories, data, 3)
    np.testing.assert_array_equal(run.output, project.expected(data, MASK ^ 0xFFFF))


@pytest.mark.parametrize("level", [None, "0"])
def test_levels_of_optimisation(
    tiny: Tiny, level: str | None, session_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulator of users, whom the suite's level does not bind, and the one that is built soonest."""
    before = build_simulator(tiny.folder)
    if level is None:
        monkeypatch.delenv(OPTIMIZE)
    else:
        monkeypatch.setenv(OPTIMIZE, level)
    simulator = build_simulator(tiny.folder)
    assert simulator.path != before.path
    assert f"-O{level or 3} " in (simulator.path.parent / "build.log").read_text()
    data = tiny.random_input(20)
    np.testing.assert_array_equal(run_simulator(simulator, tiny.memories, data, 20).output, tiny.expected(data))


def test_a_level_of_optimisation_that_is_none(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OPTIMIZE, "fast")
    with pytest.raises(UserError, match="BNNFPGA_OPTIMIZE: 'fast' is not a level"):
        build_simulator(tiny.folder)


def test_a_missing_memory_is_named(tmp_path: Path, tiny: Tiny) -> None:
    with pytest.raises(SimulationError, match=r"mask\.mem"):
        run_simulator(build_simulator(tiny.folder), tmp_path, tiny.random_input(1), 1)


def test_input_that_is_no_whole_frame(tiny: Tiny) -> None:
    with pytest.raises(SimulationError, match="no whole number of frames of 12 bytes"):
        run_simulator(build_simulator(tiny.folder), tiny.memories, bytes(13), 1)


def test_any_project_name(tmp_path: Path, tiny: Tiny) -> None:
    project = make_project(tmp_path / """My "nets" it's $HOME; #1 \\ %s""")
    data = project.random_input(2)
    run = run_simulator(build_simulator(project.folder), project.memories, data, 2)
    np.testing.assert_array_equal(run.output, project.expected(data))


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a compiled project"):
        build_simulator(tmp_path)


# -- Waveforms and monitors -------------------------------------------------------------------------------------------


def test_vcd(tiny: Tiny, tmp_path: Path, verilator: str | None) -> None:
    simulator = build_simulator(tiny.folder, trace="vcd", verilator=verilator)
    data = tiny.random_input(3)
    wave = tmp_path / "a wave.vcd"
    run = run_simulator(simulator, tiny.memories, data, 3, trace=wave)
    np.testing.assert_array_equal(run.output, tiny.expected(data))
    text = wave.read_text()
    assert re.search(r"\$timescale\s+1ns\s+\$end", text)
    match = re.search(r"\$var \w+\s+1 (\S+) aclk \$end", text)
    assert match
    rising = re.findall(rf"#(\d+)\n(?:(?!#).*\n)*?1{re.escape(match[1])}\n", text)
    # The reset takes 16 cycles; a cycle takes 10 ns.
    assert [int(time) for time in rising] == [10 * cycle for cycle in range(16 + run.cycles)]


@pytest.mark.slow
def test_fst(tiny: Tiny, tmp_path: Path, verilator: str | None) -> None:
    missing = missing_fst_headers(find_verilator(verilator), find_compiler())
    if missing:
        with pytest.raises(UserError, match=missing[0]):
            build_simulator(tiny.folder, trace="fst", verilator=verilator)
        pytest.skip(f"there is no {' and no '.join(missing)}")
    simulator = build_simulator(tiny.folder, trace="fst", verilator=verilator)
    data = tiny.random_input(3)
    run = run_simulator(simulator, tiny.memories, data, 3, trace=tmp_path / "wave.fst")
    np.testing.assert_array_equal(run.output, tiny.expected(data))
    # An FST file starts with its header block: type 0 and its length.
    assert (tmp_path / "wave.fst").read_bytes()[:9] == bytes([0, 0, 0, 0, 0, 0, 0, 1, 73])


def test_a_waveform_needs_a_traced_simulator(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="trace"):
        run_simulator(build_simulator(tiny.folder), tiny.memories, tiny.random_input(1), 1, trace=tmp_path / "w.vcd")


def test_a_waveform_that_cannot_be_written(tiny: Tiny, tmp_path: Path) -> None:
    simulator = build_simulator(tiny.folder, trace="vcd")
    with pytest.raises(SimulationError, match="cannot be written"):
        run_simulator(simulator, tiny.memories, tiny.random_input(1), 1, trace=tmp_path / "none" / "w.vcd")


def test_streams(tiny: Tiny, verilator: str | None) -> None:
    simulator = build_simulator(tiny.folder, monitor=True, verilator=verilator)
    data = tiny.random_input(5)
    run = run_simulator(simulator, tiny.memories, data, 5, streams=True)
    np.testing.assert_array_equal(run.output, tiny.expected(data))
    assert run.streams is not None
    # Nothing stalls; each stream waits for its first beat, the outer one for one cycle longer, and "inner" also waits
    # while the last beat is on its way out.
    assert sorted(run.streams, key=lambda stream: str(stream["name"])) == [
        {"name": "inner", "stalled_cycles": 0, "starved_cycles": 2, "max_occupancy": 1},
        {"name": "result", "stalled_cycles": 0, "starved_cycles": 2, "max_occupancy": 1},
    ]


def test_streams_need_monitors(tiny: Tiny) -> None:
    with pytest.raises(ValueError, match="monitor"):
        run_simulator(build_simulator(tiny.folder), tiny.memories, tiny.random_input(1), 1, streams=True)


# -- Accelerators that are wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize("stall_seed", [None, 7])
def test_a_deadlock_names_the_stuck_stream(tmp_path: Path, verilator: str | None, stall_seed: int | None) -> None:
    project = make_project(tmp_path / "project", stop_after=10)
    simulator = build_simulator(project.folder, verilator=verilator)
    with pytest.raises(SimulationDeadlock) as caught:
        run_simulator(simulator, project.memories, project.random_input(8), 8, stall_seed=stall_seed)
    error = caught.value
    # Ten beats pass, four more fill the first queue.
    assert (error.frames_in, error.frames_out) == (3, 2)
    assert (error.stuck, error.starved) == (["inner"], ["result"])
    assert "3 frames and 2 beats went in (valid 1, ready 0), 2 frames and 2 beats came out of m_axis" in error.message
    assert "stuck, a beat waits and is not taken: inner" in error.message
    if stall_seed is None:
        assert error.last_transfer == 13
        assert "no transfer since cycle 13" in error.message


def test_the_watchdog_waits_as_long_as_it_is_told(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", stop_after=10)
    simulator = build_simulator(project.folder, monitor=True)
    with pytest.raises(SimulationDeadlock, match=r"stopped at cycle 114\b"):
        run_simulator(simulator, project.memories, project.random_input(8), 8, watchdog=100)


@pytest.mark.parametrize(
    ("tlast", "message"),
    [(3, "high too early at frame 0, beat 2 of 4"), (5, "missing on the last beat at frame 0, beat 3 of 4")],
)
def test_wrong_tlast(tmp_path: Path, tlast: int, message: str) -> None:
    project = make_project(tmp_path / "project", tlast=tlast)
    with pytest.raises(SimulationError, match=message):
        run_simulator(build_simulator(project.folder), project.memories, project.random_input(2), 2)


def test_a_beat_that_does_not_hold_still(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", tremble=True)
    with pytest.raises(SimulationError, match="changed before it was taken"):
        run_simulator(build_simulator(project.folder), project.memories, project.random_input(99), 99, stall_seed=1)


def test_rtl_that_does_not_compile(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    source = project.folder / "rtl" / "tiny_queue.sv"
    source.write_text(source.read_text().replace("wire pop ", "wire pop("))
    with pytest.raises(UserError, match=r"tiny_queue\.sv:\d+.*syntax error") as caught:
        build_simulator(project.folder)
    assert caught.value.where is not None
    assert "tiny_queue.sv" in Path(caught.value.where).read_text()


def test_cpp_that_does_not_compile(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    (project.folder / "sim" / "ports.h").write_text("#error no ports\n")
    with pytest.raises(UserError, match="no ports"):
        build_simulator(project.folder)


# -- Two processes, and processes that end early ----------------------------------------------------------------------


def _build_and_run(project: Tiny) -> bool:
    simulator = build_simulator(project.folder)
    data = project.random_input(4)
    return bool((run_simulator(simulator, project.memories, data, 4).output == project.expected(data)).all())


@pytest.mark.slow
def test_two_builds_at_once(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", width=32)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(_build_and_run, [project, project]) == [True, True]


@pytest.mark.slow
def test_a_killed_build_leaves_the_next_one_sound(tmp_path: Path, session_cache: Path) -> None:
    project = make_project(tmp_path / "project", width=48)
    build = multiprocessing.get_context("spawn").Process(target=_build_and_run, args=(project,))
    build.start()
    deadline = time.monotonic() + 120
    while not any(session_cache.glob("simulator-*.part-*/build/cpp/*_classes.mk")):
        assert build.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    build.kill()
    build.join()
    assert any(session_cache.glob("*.part-*"))
    assert _build_and_run(project)


def test_an_interrupted_run_leaves_no_output(tiny: Tiny, tmp_path: Path) -> None:
    simulator = build_simulator(tiny.folder)
    tiny.random_input(10).tofile(tmp_path / "input.bin")
    command = [str(simulator.path), "--input", str(tmp_path / "input.bin"), "--output", str(tmp_path / "output.bin")]
    command += ["--repeat", str(1_000_000)]
    with subprocess.Popen(command, cwd=tiny.memories) as run:
        time.sleep(0.3)
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=60) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["input.bin"]


# -- Without Python ---------------------------------------------------------------------------------------------------


def test_a_project_simulates_itself(tmp_path: Path) -> None:
    project = make_project(tmp_path / "a project")
    data = project.random_input(6)
    (project.folder / "vectors").mkdir()
    data.tofile(project.folder / "vectors" / "input.bin")
    expected = project.folder / "vectors" / "expected.bin"
    project.expected(data).tofile(expected)
    tool = find_verilator()

    def make() -> str:
        settings = [f"VERILATOR={tool.command}", "JOBS=2", "BUILD=build", "RUNTIME=build/runtime"]
        return subprocess.run(
            ["make", "-f", "sim/build.mk", *settings],
            cwd=project.folder,
            env=os.environ | tool.variables,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def simulate(*options: str) -> subprocess.CompletedProcess[str]:
        command = ["../build/simulator", "--input", "../vectors/input.bin", "--expected", "../vectors/expected.bin"]
        return subprocess.run([*command, *options], cwd=project.memories, capture_output=True, text=True, check=False)

    assert "compile the harness" in make()
    # Nothing changed: nothing is made.
    assert "compile" not in make()
    (project.folder / "rtl" / "tiny_queue.sv").touch()
    assert "compile" not in make()

    done = simulate("--repeat", "3")
    assert done.returncode == 0, done.stderr
    assert "output equals ../vectors/expected.bin" in done.stdout
    assert "18 frames in 74 cycles" in done.stdout
    assert "latency 5 cycles (predicted 5)" in done.stdout

    wrong = bytearray(expected.read_bytes())
    wrong[2 * 12 + 3] ^= 1
    expected.write_bytes(wrong)
    done = simulate()
    assert done.returncode == 1
    assert "frame 2, beat 1" in done.stderr
    assert simulate("--frames", "2").returncode == 0
    assert simulate("--frames", "7").returncode == 2

    source = project.folder / "rtl" / "tiny_queue.sv"
    source.write_text(source.read_text().replace("^ mask[0]", "^ ~mask[0]"))
    assert "compile the harness" in make()
    assert simulate("--frames", "2").returncode == 1
