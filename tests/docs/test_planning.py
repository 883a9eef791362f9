"""The Python of docs/planning.md runs, as one script."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_planning(tmp_path: Path) -> None:
    blocks = BLOCK.findall((ROOT / "docs" / "planning.md").read_text())
    assert len(blocks) >= 3
    script = tmp_path / "script.py"
    script.write_text("\n".join(blocks))
    done = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    # A line for each unit, each folding, and each plan of a process.
    assert sum("matrix_vector0 matrix_vector" in line for line in lines) == 1
    assert [line.split()[0] for line in lines if re.match(r"[1248] \d+ \{", line)] == ["1", "2", "4", "8"]
    assert sum("{'pe'" in line for line in lines) == 3
