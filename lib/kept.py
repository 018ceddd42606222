"""Values that hold while something stands where it stood, kept in memory up to so many bytes.

Nothing of an earlier state outlives the first question about a later one: what was taken back is gone from here too.
"""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """The values used last of one state. For any number of threads."""

    def __init__(self, most_bytes: int, size: Callable[[Value], int]) -> None:
        self._values: LRUCache[Hashable, Value] = LRUCache(most_bytes, size)
        self._largest, self._size = most_bytes // 16, size
        self._state, self._lock = "", Lock()

    def get(self, state: str, key: Hashable) -> Value | None:
        """The value of `key`, where it was kept in this state."""
        with self._lock:
            self._enter(state)
            found: Value | None = self._values.get(key)
            return found

    def keep(self, state: str, key: Hashable, value: Value) -> None:
        """Keeps a value, unless it would take the place of too many others."""
        if self._size(value) > self._largest:
            return
        with self._lock:
            self._enter(state)
            self._values[key] = value

    def clear(self) -> None:
        """Lets go of everything."""
        with self._lock:
            self._values.clear()

    def _enter(self, state: str) -> None:
        if state != self._state:
            self._values.clear()
            self._state = state
