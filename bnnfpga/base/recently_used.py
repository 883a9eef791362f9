"""A small cache of a process that its threads share."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class RecentlyUsed(Generic[Kept]):
    """The values that were used last, by key. Threads may use it at the same time.

    Parameters
    ----------
    size
        The most values that it keeps.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[str, Kept] = OrderedDict()
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def keep(self, key: str, value: Kept) -> None:
        """Keep a value as the one used last; drop the one that was used longest ago if there are too many."""
        with self._guard:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)

    def get(self, key: str, make: Callable[[], Kept]) -> Kept:
        """The value of a key, made and kept if there is none; two threads may both make it."""
        with self._guard:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        self.keep(key, value)
        return value

    def clear(self) -> None:
        with self._guard:
            self._values.clear()
