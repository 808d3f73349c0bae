"""Task ids: sorted by time, and known as ours without a record."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline import ids

KEY = b"0123456789abcdef0123456789abcdef"


@given(st.integers(0, 2**48), st.integers(0, 2**48))
def test_ids_sort_by_their_time(first: int, second: int) -> None:
    a, b = ids.mint(first, KEY), ids.mint(second, KEY)
    assert len(a) == ids.LENGTH
    assert first == second or (a < b) == (first < second)


@given(st.integers(0, 2**48), st.integers(0, 25), st.sampled_from(ids.ALPHABET))
def test_only_our_own_ids_are_ours(at_ms: int, place: int, letter: str) -> None:
    id = ids.mint(at_ms, KEY)
    assert ids.is_ours(id, KEY)
    assert not ids.is_ours(id, KEY[::-1])
    changed = id[:place] + letter + id[place + 1 :]
    assert changed == id or not ids.is_ours(changed, KEY)


@given(st.text())
def test_anything_else_is_not_ours(text: str) -> None:
    assert not ids.is_ours(text, KEY)
