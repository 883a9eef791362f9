"""`bnnfpga parts`: the FPGAs that tuning knows."""

from __future__ import annotations

from bnnfpga.cli.options import AsJson, Quiet, Verbose
from bnnfpga.cli.terminal import Outcome, Terminal


def parts(as_json: AsJson = False, quiet: Quiet = False, verbose: Verbose = False) -> None:
    """List the FPGAs that `bnnfpga tune --part` knows."""

    def work() -> Outcome:
        from bnnfpga.compiler.tuner import parts_listing
        from bnnfpga.report.tables import parts_table

        data = parts_listing()
        return Outcome(data, lambda: parts_table(data))

    Terminal(as_json, quiet, verbose).finish(work, None)
