"""Several real processes want more than there is (P1, P2, P11)."""

from __future__ import annotations

from ratelimit_ddb import Limit
from ratelimit_ddb.limit import SECOND_NS
from tests.engine.demand import Demand, most_over, satisfy_all

LIMIT = "50/second burst 5"
ASKING_SECONDS = 6


def demands(endpoint_url: str, table: str, clocks_wrong_by_seconds: list[int]) -> list[Demand]:
    return [
        Demand(endpoint_url, table, LIMIT, ASKING_SECONDS, wrong)
        for wrong in clocks_wrong_by_seconds
    ]


def test_p1_p2_four_processes_get_what_is_due_and_no_more(
    dynamodb_endpoint: str, table: str
) -> None:
    shares = satisfy_all(demands(dynamodb_endpoint, table, [0, 0, 0, 0]))
    limit = Limit.parse(LIMIT)
    admissions = [admission for share in shares for admission in share]
    assert most_over(admissions, limit) <= 0
    assert len(admissions) >= 0.99 * (limit.burst + ASKING_SECONDS * SECOND_NS / limit.unit_ns)


def test_p11_clocks_an_hour_wrong_gain_nothing_and_starve_nobody(
    dynamodb_endpoint: str, table: str
) -> None:
    shares = satisfy_all(demands(dynamodb_endpoint, table, [3_600, -3_600, 0, 0]))
    limit = Limit.parse(LIMIT)
    admissions = [admission for share in shares for admission in share]
    assert most_over(admissions, limit, clock_error_ns=SECOND_NS // 20) <= 0
    assert len(admissions) >= 0.99 * (limit.burst + ASKING_SECONDS * SECOND_NS / limit.unit_ns)
    right_clocks = len(shares[2]) + len(shares[3])
    assert right_clocks >= len(admissions) / 4
