"""What comparing the stages found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class VerifyResult:
    """Stages in order, and whether each equals the one before it; the first is equal by definition.

    Parameters
    ----------
    stages
        Of each `name`, `equal` and `seconds`.
    ties
        How many decisions of the model lie `on_tie` on these images, of how many `decisions`, also by `layers`; None
        without the stage `file`.
    first_difference
        `stages`, `message`, `wave`, and the fields of `bnnfpga.simulate.verify.locate.Fault`; None where all are equal.
    dumped
        The files that were asked for.
    """

    stages: list[dict[str, Any]]
    first_difference: dict[str, Any] | None
    dumped: list[str]
    ties: dict[str, Any] | None = None

    @property
    def equal(self) -> bool:
        return self.first_difference is None

    def as_dict(self) -> dict[str, Any]:
        """What `bnnfpga verify --json` prints."""
        return {"equal": self.equal, **vars(self)}

    def __str__(self) -> str:
        from bnnfpga.report.tables import verify_table
        from bnnfpga.report.text import as_text

        return as_text(verify_table(self.as_dict()))

    def _repr_html_(self) -> str:
        from bnnfpga.report.tables import verify_table
        from bnnfpga.report.text import as_html

        return as_html(verify_table(self.as_dict()))
