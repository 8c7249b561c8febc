"""What the registry says of readings that go through it."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.flags import in_key_order
from tests.ingest.test_flags import readings_of, registry_of

batches = st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), max_size=8), max_size=8)


@given(batches=batches)
def test_a_batch_is_news_when_none_of_its_readings_is_as_old_as_one_that_was_seen(
    batches: list[list[tuple[int, int]]],
) -> None:
    registry, seen = registry_of(4), dict[int, int]()
    for batch in batches:
        readings = in_key_order(readings_of([(*key, 50.0, None, None, None) for key in batch]), registry)
        assert registry.see(readings) == all(minute > seen.get(sensor, -1) for sensor, minute in batch)
        for sensor, minute in batch:
            seen[sensor] = max(minute, seen.get(sensor, -1))


def test_what_was_seen_stays_so_when_all_is_loaded_anew() -> None:
    registry = registry_of(1)
    readings = readings_of([(0, 5, 50.0, None, None, None)])
    assert registry.see(readings)
    registry.forget()
    assert not registry.see(readings)
