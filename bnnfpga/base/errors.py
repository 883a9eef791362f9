"""The exceptions that a command reports to its user as one sentence.

Everything that is wrong with a model, an option, an image file or the machine is raised as `UserError`: the user can
fix it, and the exit status is 2. `ResultsDiffer` says that two forms of a model differ where they must be equal: a bug
in bnnfpga, caught before it did harm; the exit status is 1. Any other exception is a bug in bnnfpga as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

_MAX_LENGTH = 100


_Error = TypeVar("_Error", bound=Exception)


class PicklableError(Exception):
    """The base of all exceptions of the package: they survive the way between processes, whatever their arguments.

    Python would call the class with the text alone.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args, dict(vars(self)))


def _again(kind: type[_Error], arguments: tuple[Any, ...], state: Mapping[str, Any]) -> _Error:
    error = kind.__new__(kind, *arguments)
    vars(error).update(state)
    return error


class _Told(PicklableError):
    """An error to report, with its place and a way out.

    Parameters
    ----------
    message
        What is wrong, as one sentence.
    where
        The file, node, tensor, option or line concerned.
    hint
        What to do about it.

    `place` stays the place that was named first, whatever is put in front of `where` on the way.
    """

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = self.place = where
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
    """A mistake in the user's input: a file, an option or the machine's set-up."""


class ResultsDiffer(_Told):
    """Two forms of the same model give different integers."""


def shown(value: object) -> str:
    """A user's value as messages quote it: on one line, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 4]} ..."


@contextmanager
def located(place: str) -> Iterator[None]:
    """Errors raised inside name `place`, a file for example, in front of their own place."""
    try:
        yield
    except _Told as error:
        error.where = f"{place}, {error.where}" if error.where else place
        raise
