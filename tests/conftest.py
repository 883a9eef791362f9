"""Settings of the whole suite."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Thorough runs look at more cases; the test itself says how many it looks at otherwise.
settings.register_profile("default", print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")

THOROUGH = os.environ.get("BNNFPGA_THOROUGH") == "1"
