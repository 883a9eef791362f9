"""Where the files that are not Python lie, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

from bnnfpga.base.errors import UserError

KINDS = ("templates", "hls", "rtl", "flows")
PACKAGE = Path(__file__).resolve().parents[1]


def asset(kind: str) -> Path:
    """The folder of one kind of files: `templates`, `hls`, `rtl` or `flows`.

    A wheel has them in `bnnfpga/_data`, a checkout beside the package.

    Raises
    ------
    UserError
        When the installation lacks them.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}")
    for root in (PACKAGE / "_data", PACKAGE.parent):
        if (root / kind).is_dir():
            return root / kind
    raise UserError(
        f"this installation of bnnfpga has no folder '{kind}'",
        where=str(PACKAGE),
        hint="install it again: pip install --force-reinstall bnnfpga",
    )
