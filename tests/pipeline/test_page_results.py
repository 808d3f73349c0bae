"""Lists leave results out: a page of large ones would be hundreds of megabytes."""

from pipeline import verbs
from pipeline.store import Store
from tests.pipeline.steps import finish, new, submit, take


def test_a_list_has_no_results_and_a_record_has(store: Store) -> None:
    (id,) = submit(store, new())
    assert finish(store, take(store)[0], b'{"large":1}')
    (listed,) = store.do(verbs.page()).tasks
    assert (listed.id, listed.state, listed.result, listed.head) == (id, "succeeded", None, b'{"large":1}')
    record = store.do(verbs.task(id))
    assert record is not None
    assert record.result == b'{"large":1}'


def test_of_a_long_result_a_list_has_its_first_bytes_and_of_a_very_long_one_nothing(store: Store) -> None:
    for size in (5_000, 20_000):
        submit(store, new())
        assert finish(store, take(store)[0], b'{"a":"' + b"x" * size + b'"}')
    assert [len(task.head) for task in store.do(verbs.page()).tasks] == [0, 400]
