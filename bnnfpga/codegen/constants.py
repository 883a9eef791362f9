"""Constants that generated projects and bnnfpga itself must agree on."""

from __future__ import annotations

FETCHED_HEADERS = "hls-headers-1.3.0"
"""The cache folder of the open `ap_int.h`; a project's Makefile looks for it there as well."""

MAX_MHZ = 10_000
"""The largest clock frequency that a project is compiled or synthesised for."""

TRACE_MEGABYTES = 100
"""Default size in megabytes (10^6 bytes) at which a waveform stops."""
