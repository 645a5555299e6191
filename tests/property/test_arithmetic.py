"""The arithmetic of one limit gives what that of several gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb import Limit
from ratelimit_ddb.bucket.arithmetic import MultiLimitArithmetic, SingleLimitArithmetic
from tests.property.strategies import LONGEST_WAIT_NS, limits

NOW_NS = 1_800_000_000_000_000_000


@given(limit=limits(), cost=st.integers(1, 12), data=st.data())
def test_single_and_multi_limit_arithmetic_agree(
    limit: Limit, cost: int, data: st.DataObject
) -> None:
    one, several = SingleLimitArithmetic(limit), MultiLimitArithmetic((limit,))
    wait_ns = data.draw(st.just(0) | st.integers(0, LONGEST_WAIT_NS), "wait_ns")
    room_ns = one.room_ns(cost, wait_ns)
    edges_ns = [0, limit.unit_ns, limit.window_ns, *room_ns]
    edge_ns = data.draw(st.sampled_from([*edges_ns, -(2**60)]), "edge_ns")
    off_ns = data.draw(st.integers(-1, 1) | st.integers(-limit.window_ns, limit.window_ns), "off")
    full_at_ns = (NOW_NS + edge_ns + off_ns,)
    assert one.cost_ns(cost) == several.cost_ns(cost)
    assert room_ns == several.room_ns(cost, wait_ns)
    assert one.idle(full_at_ns, NOW_NS) == several.idle(full_at_ns, NOW_NS)
    assert one.admitted(full_at_ns, NOW_NS, None) == several.admitted(full_at_ns, NOW_NS, None)
    # A cost is never more than the burst, so there is never less than no room.
    if cost <= limit.burst:
        denials = [each.denial(full_at_ns, NOW_NS, room_ns, "table") for each in (one, several)]
        assert denials[0] == denials[1]
