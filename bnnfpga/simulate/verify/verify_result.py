"""The result of a verification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class VerifyResult:
    """The stages in order, and whether each equals the one before it; the first is equal by definition.

    Parameters
    ----------
    stages
        `name`, `equal` and `seconds` of each.
    ties
        How many of the model's `decisions` lie `on_tie` for these images, also per entry of `layers`; None without the
        stage `file`.
    first_difference
        `stages`, `message`, `wave`, and the fields of `bnnfpga.simulate.verify.locate.Fault`; None where all are equal.
    dumped
        The files of the requested dump.
    """

    stages: list[dict[str, Any]]
    first_difference: dict[str, Any] | None
    dumped: list[str]
    ties: dict[str, Any] | None = None

    @property
    def equal(self) -> bool:
        return self.first_difference is None

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `bnnfpga verify --json`."""
        return {"equal": self.equal, **vars(self)}

    def __str__(self) -> str:
        from bnnfpga.report.tables import verify_table
        from bnnfpga.report.text import as_text

        return as_text(verify_table(self.as_dict()))

    def _repr_html_(self) -> str:
        from bnnfpga.report.tables import verify_table
        from bnnfpga.report.text import as_html

        return as_html(verify_table(self.as_dict()))
