"""Names of things of which there are one or several."""

from __future__ import annotations


def numbered(name: str, count: int) -> list[str]:
    """What so many things of a kind are called: by their numbers, if there are several."""
    return [name] if count == 1 else [f"{name}{index}" for index in range(count)]
