"""`bnnfpga doctor`: what is installed here, and what the cache holds."""

from __future__ import annotations

from typing import Annotated

import typer

from bnnfpga.cli.options import AsJson, Quiet, Verbose
from bnnfpga.cli.terminal import Outcome, Terminal


def doctor(
    fetch_hls_headers: Annotated[
        bool, typer.Option("--fetch-hls-headers", help="Fetch the open ap_int headers, for C++ simulation of HLS.")
    ] = False,
    clear: Annotated[
        bool, typer.Option("--clear-cache", help="First delete the programs that were built and are not in use.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show which tools are installed here.

    Their versions, what each enables, and how to get the missing ones. The exit status is 0 whatever is missing.
    """

    def work() -> Outcome:
        from bnnfpga.cli.tools import installed_tools
        from bnnfpga.native.cache import clear_cache
        from bnnfpga.report.tables import doctor_table
        from bnnfpga.simulate.runners.hls_headers import fetch_headers

        if fetch_hls_headers:
            fetch_headers()
        data = installed_tools(clear_cache() if clear else None).as_dict()
        return Outcome(data, lambda: doctor_table(data))

    Terminal(as_json, quiet, verbose).finish(work, "looking for tools")
