"""The command `cost`: what a load is billed, by the table of prices."""

from __future__ import annotations

import pytest

from ratelimit_ddb.cli import main
from ratelimit_ddb.pricing.bill import MONTH_HOURS
from ratelimit_ddb.pricing.limiter_bill import Load, bills
from ratelimit_ddb.pricing.prices import PRICES, Prices

EASY = Prices("easy", "made up", 1.0, 0.5, 0.001, 0.0001)
MONTH_SECONDS = MONTH_HOURS * 3_600


def test_an_allowed_decision_is_one_write() -> None:
    least = next(bills(Load(10, denied=0), EASY))
    assert least.writes_per_second == 10
    assert least.on_demand == pytest.approx(10 * MONTH_SECONDS / 1e6)


def test_denials_from_memory_are_not_billed_and_those_by_the_table_are() -> None:
    from_memory, by_table, most = bills(Load(100, denied=0.25), EASY)
    assert from_memory.writes_per_second == 75
    assert by_table.writes_per_second == 100
    assert most.writes_per_second == 200


@pytest.mark.parametrize(("limits", "writes"), [(1, 2), (2, 3), (4, 5)])
def test_p7_k_limits_take_k_plus_one_writes_at_most(limits: int, writes: int) -> None:
    *_, most = bills(Load(1, denied=0, limits=limits), EASY)
    assert most.writes_per_second == writes


def test_provisioned_units_are_enough_for_the_peak_at_the_utilization() -> None:
    least = next(bills(Load(70, denied=0, peak=3, utilization=0.7), EASY))
    assert least.provisioned_units == 300
    assert least.provisioned == pytest.approx(300 * 0.001 * MONTH_HOURS)


def test_part_of_a_unit_is_a_whole_one() -> None:
    assert next(bills(Load(0.5, denied=0), EASY)).provisioned_units == 1


def test_the_prices_of_the_source_document() -> None:
    assert (PRICES["before"].read_per_million, PRICES["before"].write_per_million) == (0.25, 1.25)


@pytest.mark.parametrize("prices", PRICES.values(), ids=lambda prices: prices.name)
def test_a_million_writes_and_reads_on_demand(prices: Prices) -> None:
    expected = prices.write_per_million + prices.read_per_million
    assert prices.on_demand(writes=1e6, reads=1e6) == pytest.approx(expected)


def test_a_negative_price_is_refused() -> None:
    with pytest.raises(ValueError, match=r"price -1: must be at least 0"):
        Prices("wrong", "made up", -1, 0, 0, 0)


def test_the_command_shows_both_ways_of_paying(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--requests-per-second", "100", "--denied", "20%"]) == 0
    out = capsys.readouterr().out
    assert "100 decisions a second, 20% of them denied: 262.8 million" in out
    assert "$131.40" in out  # 80 writes a second on demand
    assert "$54.57" in out  # 115 units provisioned
    assert PRICES["list"].known_since in out


def test_other_prices_can_be_chosen_or_given(capsys: pytest.CaptureFixture[str]) -> None:
    load = ["cost", "--requests-per-second", "1"]
    assert main([*load, "--prices", "before"]) == 0
    assert "$1.250 for a million writes" in capsys.readouterr().out
    assert main([*load, "--write-per-million", "0.7", "--write-unit-hour", "0.0008"]) == 0
    out = capsys.readouterr().out
    assert "$0.700 for a million writes" in out
    assert "$0.0008 for a write unit an hour" in out
    assert "Prices: as given." in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--requests-per-second"),
        (["--requests-per-second", "0"], "'0': must be a number above 0"),
        (["--requests-per-second", "nan"], "'nan': must be a number above 0"),
        (["--requests-per-second", "1_000"], "'1_000': must be a number above 0"),
        (["--requests-per-second", "\u0661\u0660"], "must be a number above 0"),
        (["--requests-per-second", "1", "--denied", "20"], "'20': must be a share from 0 to 1"),
        (["--requests-per-second", "1", "--denied", "-1"], "-1"),
        (["--requests-per-second", "1", "--utilization", "0"], "'0': must be a share above 0"),
        (["--requests-per-second", "1", "--peak", "0.5"], "'0.5': must be a factor from 1"),
        (["--requests-per-second", "1", "--limits", "0"], "'0': must be an int from 1"),
        (["--requests-per-second", "1", "--prices", "cheap"], "cheap"),
        (["--requests-per-second", "1", "--write-per-million", "x"], "'x': must be dollars"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cost", *arguments])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_it_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cost", "--help"])
    assert ended.value.code == 0
    assert "--requests-per-second" in capsys.readouterr().out


def test_the_command_wants_some_load(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cost"])

    assert ended.value.code == 2
    assert "--requests-per-second, --sessions-per-second or --load" in capsys.readouterr().err


def test_leases_are_a_line_of_their_own() -> None:
    leased, from_memory, *_ = bills(Load(1_000, denied=0, decisions_per_write=20), EASY)

    assert leased.writes_per_second == 50
    assert from_memory.writes_per_second == 1_000


def test_a_tables_least_capacity_is_that_of_a_limiters_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["cost", "--requests-per-second", "1e-7", "--least", "5"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "from memory" in line]
    assert line.split()[-2:] == ["$2.37", "5"]


def test_a_share_is_told_as_it_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    shares = ["--denied", "0.4%", "--utilization", "0.125"]
    assert main(["cost", "--requests-per-second", "1234567", *shares]) == 0
    out = capsys.readouterr().out
    assert "1,234,567 decisions a second, 0.4% of them denied" in out
    assert "12.5% used" in out


def test_columns_stay_apart_whatever_a_load_costs(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["cost", "--requests-per-second", "1e9", "--peak", "1000", "--recovery"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "  $1,642,500,000.00  " in out
    rows = [line.split() for line in out.splitlines() if line.startswith("  rate_limiting")]
    assert [len(row) for row in rows] == [9, 9, 9]
