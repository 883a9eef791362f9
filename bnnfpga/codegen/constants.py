"""What projects and bnnfpga itself must say alike."""

from __future__ import annotations

FETCHED_HEADERS = "hls-headers-1.3.0"
"""The folder of the cache with the open `ap_int.h`, where a project's Makefile looks for it, too."""

TRACE_MEGABYTES = 100
"""At how many megabytes (10^6 bytes) a waveform stops where the user names no other number."""
