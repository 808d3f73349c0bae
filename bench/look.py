"""What a benchmark reads off the store beside the verbs: who holds which jobs, and the records of many tasks."""

from collections.abc import Sequence

from pipeline import verbs
from pipeline.keys import GROUP
from pipeline.record import Task
from pipeline.store import Store


def records(store: Store, ids: Sequence[str]) -> list[Task]:
    """These records, in one round trip; without those that are gone."""
    return [task for task in store.do_all([verbs.task(id) for id in ids]) if task]


def held(store: Store) -> dict[str, int]:
    """Consumer → jobs that it holds."""
    found: dict[str, int] = {}
    for reply in store.raw_all([("XPENDING", stream, GROUP) for stream in store.keys.streams()]):
        for name, count in reply[3] or ():
            found[name.decode()] = found.get(name.decode(), 0) + int(count)
    return found


def holds(store: Store, consumer: str) -> list[str]:
    """The tasks whose jobs a consumer holds."""
    found = []
    for stream in store.keys.streams():
        for entry, *_ in store.raw("XPENDING", stream, GROUP, "-", "+", "1000", consumer):
            found += [words[1].decode() for _, words in store.raw("XRANGE", stream, entry, entry)]
    return found
