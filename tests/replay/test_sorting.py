"""Sorting with and without temporary files."""

from hypothesis import given
from hypothesis import strategies as st

from engine.replay.sorting import Sorter

PAIRS = st.lists(st.tuples(st.tuples(st.integers(0, 20), st.text(max_size=3)), st.binary(max_size=8)))


@given(PAIRS, st.sampled_from([1, 700, 1_000_000]))
def test_pairs_come_back_by_key_and_equal_keys_keep_their_order(
    pairs: list[tuple[tuple[int, str], bytes]], in_memory: int
) -> None:
    with Sorter(tuple[int, str], in_memory) as sorter:
        for key, payload in pairs:
            sorter.add(key, payload)
        assert list(sorter) == sorted(pairs, key=lambda pair: pair[0])


def test_what_does_not_fit_is_written_to_runs_and_merged() -> None:
    with Sorter(tuple[int], in_memory=2_000) as sorter:
        for number in range(100):
            sorter.add((number * 37 % 100,), b"x" * 100)
        assert len(sorter._runs) > 5
        assert [key for (key,), _ in sorter] == list(range(100))
