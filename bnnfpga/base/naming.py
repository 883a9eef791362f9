"""Names for one or several things of a kind."""

from __future__ import annotations


def numbered(name: str, count: int) -> list[str]:
    """`name` alone, or numbered from 0 if there are several."""
    return [name] if count == 1 else [f"{name}{index}" for index in range(count)]
