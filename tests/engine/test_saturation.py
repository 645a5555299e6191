"""Several real processes want more than there is (P1, P2, P11)."""

from __future__ import annotations

import pytest

from ratelimit_ddb import Limit
from ratelimit_ddb.limit import SECOND_NS
from tests.engine.demand import Admission, Demand, most_over, satisfy_all

pytestmark = pytest.mark.alone

NOTATION = "50/second burst 5"
LIMIT = Limit.parse(NOTATION)
ASKING_SECONDS = 6
DUE = 0.99 * (LIMIT.burst + ASKING_SECONDS * SECOND_NS / LIMIT.unit_ns)
ROUNDS = 3


def shares_of(
    endpoint_url: str, table: str, clocks_wrong_by_seconds: list[float], clock_error_ns: int
) -> list[list[Admission]]:
    """What each process was given, in the first round in which all that was due was given.

    Over the limit they must never be. But a machine that stands still for a tenth of a second lets
    tokens go that nobody withheld, so there are three rounds to get what is due.
    """
    demands = [
        Demand(endpoint_url, table, NOTATION, ASKING_SECONDS, wrong)
        for wrong in clocks_wrong_by_seconds
    ]
    for _ in range(ROUNDS):
        shares = satisfy_all(demands)
        admissions = [admission for share in shares for admission in share]
        assert most_over(admissions, LIMIT, clock_error_ns) <= 0
        if len(admissions) >= DUE:
            break
    return shares


def test_p1_p2_four_processes_get_what_is_due_and_no_more(
    dynamodb_endpoint: str, table: str
) -> None:
    shares = shares_of(dynamodb_endpoint, table, [0, 0, 0, 0], clock_error_ns=0)
    assert sum(map(len, shares)) >= DUE


@pytest.mark.parametrize("wrong_by_seconds", [(3_600, -3_600), (0.08, 0.03)])
def test_p11_wrong_clocks_gain_nothing_and_starve_nobody(
    dynamodb_endpoint: str, table: str, wrong_by_seconds: tuple[float, float]
) -> None:
    error_ns = SECOND_NS // 20
    shares = shares_of(dynamodb_endpoint, table, [*wrong_by_seconds, 0, 0], error_ns)
    given = sum(map(len, shares))
    assert given >= DUE
    assert len(shares[2]) + len(shares[3]) >= given / 4, "those whose clocks are right"
