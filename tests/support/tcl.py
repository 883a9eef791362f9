"""Running vendor Tcl in a real tclsh: the vendor's commands are recorded, everything else runs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

RECORDER = """
proc record args {{
    set file [open {{{record}}} a]
    puts $file [join [lmap part $args {{string map {{"\\n" " "}} $part}}] "\\t"]
    close $file
}}
foreach name {{{names}}} {{
    if {{[string match "*::*" $name]}} {{ namespace eval [namespace qualifiers $name] {{}} }}
    proc $name args "record $name {{*}}\\$args"
}}
{answers}
rename exit tcl_exit
proc exit args {{ record exit {{*}}$args; tcl_exit {{*}}$args }}
set argv {{{arguments}}}
source {{{script}}}
"""


@dataclass(frozen=True)
class Recording:
    """The vendor commands in order, each with its arguments; the exit status; and the text on stderr."""

    calls: list[list[str]]
    status: int
    errors: str

    def of(self, name: str) -> list[list[str]]:
        """The arguments of each call of a command."""
        return [call[1:] for call in self.calls if call[0] == name]

    @property
    def names(self) -> list[str]:
        return [call[0] for call in self.calls]


def record(
    script: Path, work: Path, commands: Sequence[str], arguments: Sequence[str] = (), answers: Mapping[str, str] = {}
) -> Recording:
    """Run a script in the folder `work` like a vendor's tool.

    `answers` are bodies of commands that return something or write files; `args` holds their arguments.
    """
    tclsh = shutil.which("tclsh")
    if tclsh is None:
        pytest.skip("there is no tclsh")
    log = work / "record.txt"
    log.unlink(missing_ok=True)
    bodies = "\n".join(f"proc {name} args {{ record {name} {{*}}$args; {body} }}" for name, body in answers.items())
    (work / "recorder.tcl").write_text(
        RECORDER.format(
            record=log, names=" ".join(commands), answers=bodies, arguments=" ".join(arguments), script=script
        )
    )
    done = subprocess.run([tclsh, "recorder.tcl"], cwd=work, capture_output=True, text=True, check=False, timeout=60)
    calls = [line.split("\t") for line in log.read_text().splitlines()] if log.is_file() else []
    return Recording(calls, done.returncode, done.stderr)
