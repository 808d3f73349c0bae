"""Owner and kind of tasks, which never change: what was read of one is not asked for again.

Most of what the store does for a stretch of spans is looking into the record of each task. A stretch that is drawn
again, or moved, or drawn for somebody else, costs the lookup of what is new in it.
"""

from collections.abc import Iterable, Sequence

from gateway.fleet import Owners
from pipeline import views
from pipeline.async_store import AsyncStore

MOST = 15_000  # tasks: more than one answer looks at
A_CALL = 500
NOBODY = ("", "")  # of a task whose record has gone: none comes back


class Known:
    """The tasks that were asked for last."""

    def __init__(self) -> None:
        self._known: Owners = {}

    def note(self, tasks: Iterable[tuple[str, tuple[str, str]]]) -> None:
        """Keep what somebody has read already: task, and its owner and kind."""
        self._known.update(tasks)
        for id in list(self._known)[: max(0, len(self._known) - MOST)]:
            del self._known[id]

    async def of(self, store: AsyncStore, ids: Iterable[str]) -> Owners:
        """Owner and kind of each; the store is asked for those that are not known."""
        wanted = dict.fromkeys(ids)
        missing = [id for id in wanted if id not in self._known]
        found: Owners = {id: self._known[id] for id in wanted if id in self._known}
        for at in range(0, len(missing), A_CALL):
            some: Sequence[str] = missing[at : at + A_CALL]
            read = await store.do(views.owners(some))
            found |= {id: read.get(id, NOBODY) for id in some}
        self.note((id, found[id]) for id in missing)
        return found
