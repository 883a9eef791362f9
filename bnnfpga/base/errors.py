"""The exceptions that a command line tells its user as a sentence.

Everything that is wrong with a model, an option, an image file or the machine is raised as `UserError`: the user can
mend it, and the exit status is 2. `ResultsDiffer` says that two forms of a model differ where they must be equal: a
mistake of ours that was found before it did harm, and the exit status is 1. Any other exception is a bug of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_MAX_LENGTH = 100


class _Told(Exception):
    """Something to be told, with the place and the way out.

    Parameters
    ----------
    message
        What is wrong, as a sentence.
    where
        The file, node, tensor, option or line that it is about.
    hint
        What to do about it.
    """

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.message}" if self.where else self.message]
        if self.hint:
            parts.append(f"hint: {self.hint}")
        return "\n".join(parts)

    def as_dict(self) -> dict[str, str | None]:
        """The error as the JSON object that `--json` prints."""
        return {"message": self.message, "where": self.where, "hint": self.hint}


class UserError(_Told):
    """A mistake in what the user gave."""


class ResultsDiffer(_Told):
    """Two forms of the same model give different integers."""


def shown(value: object) -> str:
    """A value that a user gave, for a message: on one line, and not too long."""
    text = repr(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 4]} ..."


@contextmanager
def located(place: str) -> Iterator[None]:
    """Within it, every error that is told says that it is about something in `place`, a file for example."""
    try:
        yield
    except _Told as error:
        error.where = f"{place}, {error.where}" if error.where else place
        raise
