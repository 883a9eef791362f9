"""Yosys in a process of its own: this file is run by its path, in the folder of one unit, and imports only pyosys.

It reads `request.json` there: `front`, the commands before the mapping; `mappers`, for each mapper its commands;
`most_cells`, the number of cells of the first netlist up to which the other mappers are tried as well; and
`most_bytes`, the size of a file beyond which the system ends this process.
"""

from __future__ import annotations

import json
import resource
import signal
from pathlib import Path

from pyosys import libyosys


def main() -> None:
    """Run the commands of the request."""
    request = json.loads(Path("request.json").read_text())
    # Python would ignore the signal, and Yosys the write that fails.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (request["most_bytes"], request["most_bytes"]))
    design = libyosys.Design()

    def run(*commands: str) -> None:
        for command in commands:
            libyosys.run_pass(command, design)

    run(*request["front"], "design -save front")
    for name, commands in request["mappers"].items():
        run("design -load front", *commands)
        if len(json.loads(Path(f"{name}.json").read_text())["modules"]["unit"]["cells"]) >= request["most_cells"]:
            break


if __name__ == "__main__":
    main()
