"""A thin client of Headrace: submit calculations, wait for them, get their results.

with Client() as client:  # or: async with AsyncClient() as client
    price = client.run("option_european", {"type": "call", "spot": 100, …}).price
"""

from headrace_client.client import AsyncClient, Client
from headrace_client.errors import (
    Away,
    Broken,
    Busy,
    Conflict,
    Expired,
    Forbidden,
    HeadraceError,
    InvalidData,
    NotFound,
    Refused,
    StillRunning,
    TaskCancelled,
    TaskFailed,
    Unauthenticated,
)
from headrace_client.records import Batch, Event, Item, Items, Task, Told

__all__ = [
    "AsyncClient",
    "Away",
    "Batch",
    "Broken",
    "Busy",
    "Client",
    "Conflict",
    "Event",
    "Expired",
    "Forbidden",
    "HeadraceError",
    "InvalidData",
    "Item",
    "Items",
    "NotFound",
    "Refused",
    "StillRunning",
    "Task",
    "TaskCancelled",
    "TaskFailed",
    "Told",
    "Unauthenticated",
]
