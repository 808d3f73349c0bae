"""The last few decoded Params: a child runs many parts of one task, and decodes its data once."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any


class Recent:
    """Values by (kind, data), the least recently used forgotten first; bounded in number and in bytes of data."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._values: OrderedDict[tuple[str, bytes], Any] = OrderedDict()
        self._bytes = 0

    def get(self, kind: str, data: bytes, make: Callable[[], Any]) -> Any:
        """The value of (kind, data), made now unless it is kept still."""
        key = (kind, data)
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
            return value
        value = self._values[key] = make()
        self._bytes += len(data)
        while len(self._values) > self._most or (self._bytes > self._most_bytes and len(self._values) > 1):
            (_, forgotten), _ = self._values.popitem(last=False)
            self._bytes -= len(forgotten)
        return value

    def clear(self) -> None:
        """Keep nothing."""
        self._values.clear()
        self._bytes = 0
