"""Lists leave results out: a page of large ones would be hundreds of megabytes."""

from pipeline import verbs
from pipeline.store import Store
from tests.pipeline.steps import finish, new, submit, take


def test_a_list_has_no_results_and_a_record_has(store: Store) -> None:
    (id,) = submit(store, new())
    assert finish(store, take(store)[0], b'{"large":1}')
    (listed,) = store.do(verbs.page()).tasks
    assert (listed.id, listed.state, listed.result) == (id, "succeeded", None)
    record = store.do(verbs.task(id))
    assert record is not None
    assert record.result == b'{"large":1}'
