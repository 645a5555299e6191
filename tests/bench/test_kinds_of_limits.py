"""The part of `make bench` on what each kind of limit takes of the table."""

from __future__ import annotations

from bench.kinds_of_limits import Billed, Uses, billed, measured, printed
from ddbwire import AnsweredCall
from tests.rate_limit_table import rate_limit_table

NOTHING = Billed(0, 0.0, 0.0)
ONE_WRITE = Billed(1, 1.0, 0.0)


def test_each_kind_is_a_line_with_its_first_and_its_warm_use() -> None:
    table = printed(
        {
            "bucket by stored limits": Uses(Billed(2, 1.0, 0.5), ONE_WRITE),
            "slot renewed, 100 held": Uses(Billed(1, 2.0, 0.0), None),
        }
    )
    lines = [" ".join(line.split()) for line in table.splitlines()]
    assert lines == [
        "units of one use first warm",
        "calls writes reads calls writes reads",
        "bucket by stored limits 2 1 0.5 1 1 0",
        "slot renewed, 100 held 1 2 0",
    ]


def test_a_refusal_is_billed_as_the_write_after_it() -> None:
    refused = AnsweredCall("UpdateItem", refused=True, capacity_units=None)
    read = AnsweredCall("GetItem", refused=False, capacity_units=0.5)
    written = AnsweredCall("UpdateItem", refused=False, capacity_units=21.0)
    assert billed([]) == Billed(0, 0.0, 0.0)
    assert billed([refused]) == ONE_WRITE
    assert billed([read, refused, written]) == Billed(3, 42.0, 0.5)


def test_each_kind_takes_what_the_documentation_says(dynamodb_endpoint: str) -> None:
    with rate_limit_table(dynamodb_endpoint) as table:
        results = measured(dynamodb_endpoint, table, slots_held=(1, 100))
    for kind in ("bucket", "quota", "quota beside a bucket", "charge", "block"):
        assert results[kind] == Uses(ONE_WRITE, ONE_WRITE), kind
    assert results["reserve, settle the estimate"].first == ONE_WRITE
    for kind in ("client on a list (allow)", "client on a list (deny)"):
        assert results[kind] == Uses(NOTHING, NOTHING), kind
    assert results["request in flight (in_flight)"].warm == Billed(2, 2.0, 0.0)
    assert results["request in flight, and a bucket"].warm == Billed(3, 3.0, 0.0)
    for kind in ("reserve, settle less", "reserve, settle more", "given back by the response"):
        assert results[kind] == Uses(Billed(2, 2.0, 0.0), Billed(2, 2.0, 0.0)), kind
    assert results["bucket by stored limits"] == Uses(Billed(2, 1.0, 0.5), ONE_WRITE)
    assert results["violation that is counted (block_after)"] == Uses(ONE_WRITE, ONE_WRITE)
    blocks = results["violation that blocks; then blocked"]
    assert blocks == Uses(Billed(2, 2.0, 0.0), Billed(0, 0.0, 0.0))
    for held, units in ((1, 1.0), (100, 2.0)):
        one = Billed(1, units, 0.0)
        assert results[f"slot taken, {held} held"].warm == one
        assert results[f"slot renewed, {held} held"] == Uses(one, None)
        assert results[f"slot released, {held} held"] == Uses(one, one)
