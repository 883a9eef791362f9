"""Show that this checkout generates the same accelerators as another revision.

    python -m benchmarks.unchanged REVISION [NEW] [--quick] [--rtl] [--only WORDS] [--keep FOLDER]

Both revisions compile the same nets, and the results are compared: the files of each project byte by byte, the output
of `compile`, `simulate`, `inspect` and `verify`, and the emulator's integers on random images. Copies of library
sources (`rtl/`, `hls/bnn/`, `flows/`) and the driver may differ; with `--rtl`, the RTL of small nets is simulated in
Verilator, with and without stalls, and integers, cycles and the figures of all streams are compared as well. The
checkout is copied first, uncommitted changes included, so that work on it can continue. Exit status 1 means that
something differs.

A run writes and deletes gigabytes of small files: TMPDIR=/dev/shm spares the disk.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.table import Row, show
from benchmarks.unchanged.jobs import Job
from benchmarks.unchanged.nets import jobs
from benchmarks.unchanged.results import Results, compare
from tests.support.data import ROOT

CPU_BAR = 0.2
"""Limit in CPU seconds for importing the package, and for `--help`."""
_RUNS = 5
_PARTS = ("bnnfpga", "flows", "hls", "rtl", "templates")
_WORKER = Path(__file__).with_name("worker.py")


def main() -> None:
    """Compare, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", help="a commit, a branch or a tag to compare with")
    parser.add_argument("new", metavar="NEW", nargs="?", help="a revision to compare, instead of this checkout")
    parser.add_argument("--quick", action="store_true", help="a subset of the nets, in well under a minute")
    parser.add_argument("--rtl", action="store_true", help="simulate small nets in Verilator as well, some minutes")
    parser.add_argument("--only", metavar="WORDS", default="", help="the nets whose name has these words")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="keep what differs here, in old/ and new/")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = check_out(arguments.revision, folder / "before")
        now = check_out(arguments.new, folder / "now") if arguments.new else copy_checkout(folder / "now")
        (folder / "nets").mkdir()
        chosen = [
            replace(job, rtl=job.rtl and arguments.rtl, commands=job.commands and not arguments.quick)
            for job in jobs(folder / "nets")
            if arguments.only in job.name and (job.quick or not arguments.quick)
        ]
        equal = compare_all(chosen, before, now, folder, arguments.keep)
        rows = [row for root in (before, now) for row in cpu_rows(root)]
    show(rows)
    sys.exit(0 if equal and all(row.holds for row in rows) else 1)


def check_out(revision: str, folder: Path) -> Path:
    """Extract the files of a revision into a folder."""
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", revision]
    archive = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if archive.returncode:
        raise SystemExit(f"{revision} is not a revision of {ROOT}")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def copy_checkout(folder: Path) -> Path:
    """Copy the parts of this checkout that the package needs into a folder."""
    for part in _PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@dataclass(frozen=True)
class Worker:
    """A process that does all jobs with one revision, the folder of its results, and its error log."""

    process: subprocess.Popen[str]
    root: Path
    folder: Path
    log: Path

    def wait_for(self, number: int) -> Results:
        """Wait for the results of a job."""
        assert self.process.stdout is not None
        if self.process.stdout.readline() != f"{number}\n":
            raise SystemExit(f"the worker of {self.root} ended:\n{self.log.read_text()[-2000:]}")
        return Results(self.root, self.folder / str(number))


@contextlib.contextmanager
def worker(root: Path, list_of_jobs: Path, folder: Path) -> Iterator[Worker]:
    """Run a worker; it ends with the block."""
    folder.mkdir()
    log = folder / "log"
    command = [sys.executable, "-P", str(_WORKER), str(list_of_jobs), str(root)]
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, cwd=folder, env=_environment(root), stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            yield Worker(process, root, folder, log)
        finally:
            process.kill()


def compare_all(chosen: Sequence[Job], before: Path, now: Path, folder: Path, keep: Path | None) -> bool:
    """Do all jobs with both revisions in parallel, print a line for each, and return whether all are equal."""
    started = time.perf_counter()
    list_of_jobs = folder / "jobs.json"
    list_of_jobs.write_text(json.dumps([job.as_dict() for job in chosen]))
    library: Counter[str] = Counter()
    files, refused, different = 0, 0, 0
    with (
        worker(before, list_of_jobs, folder / "old") as old_worker,
        worker(now, list_of_jobs, folder / "new") as new_worker,
    ):
        for number, job in enumerate(chosen):
            old, new = old_worker.wait_for(number), new_worker.wait_for(number)
            result = compare(old, new)
            files += result.equal
            refused += (new.folder / "refusal.json").exists()
            library.update(file.removeprefix("project/") for file in result.library)
            print(f"{'DIFFERS' if result.different else 'equal':8}{result.equal:5} files   {job.name}", flush=True)
            for file, what in result.different.items():
                print(f"    {file}: {what}")
            different += bool(result.different)
            _clear(old, new, keep if result.different else None)
    print(f"\n{len(chosen)} nets and foldings ({refused} of them refused), {files} files equal, {different} differ;")
    print(f"{time.perf_counter() - started:.0f} s. Copies of the library that differ, as they may:", end=" ")
    print(", ".join(f"{file} ({count} times)" for file, count in sorted(library.items())) or "none")
    return not different


def _clear(old: Results, new: Results, keep: Path | None) -> None:
    """Delete results, which would add up to gigabytes, after copying them to `keep` if given."""
    for name, results in (("old", old), ("new", new)):
        if keep is not None:
            (keep / name).mkdir(parents=True, exist_ok=True)
            shutil.copytree(results.folder, keep / name / results.folder.name, dirs_exist_ok=True)
        shutil.rmtree(results.folder)


def cpu_rows(root: Path) -> list[Row]:
    """CPU seconds for importing the package and for `--help`: the least of several runs."""
    measured = {"import bnnfpga": ["-c", "import bnnfpga"], "bnnfpga --help": ["-m", "bnnfpga", "--help"]}
    return [
        Row(f"{what}, {root.name}", f"{seconds:.3f} s", f"at most {CPU_BAR:g} s of CPU", seconds <= CPU_BAR)
        for what, arguments in measured.items()
        for seconds in (min(_cpu_seconds(arguments, root) for _ in range(_RUNS)),)
    ]


def _cpu_seconds(arguments: Sequence[str], root: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-P", *arguments]
    subprocess.run(command, env=_environment(root), stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _environment(root: Path) -> dict[str, str]:
    """The environment of a process that imports the package of a checkout."""
    return {**os.environ, "PYTHONPATH": str(root)}


if __name__ == "__main__":
    main()
