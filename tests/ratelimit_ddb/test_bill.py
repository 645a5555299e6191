"""What tables cost a month: ten loads reckoned by hand, and what the command makes of them.

A month is 730 hours or 2,628,000 seconds, so one unit a second is 2.628 million units a month:
$1.6425 for writes on demand, $0.3285 for reads. A capacity unit is $0.4745 for writes, $0.0949 for
reads.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ratelimit_ddb.cli import main
from ratelimit_ddb.pricing.bill import (
    Provisioning,
    TableLoad,
    limiter,
    on_demand,
    provisioned,
    sessions,
    total,
)
from ratelimit_ddb.pricing.prices import PRICES

LIST, BEFORE = PRICES["list"], PRICES["before"]

# Each is a load, and its dollars on demand at today's list and at the source document's.
BY_HAND = {
    # 400 writes a second are written of 500 decisions, for every fifth is denied from memory.
    "a limiter": (limiter(500, denied=0.2), 657.00, 1_314.00),
    # 1,000 decisions, 20 to a write: 50 writes a second.
    "a leased limiter": (limiter(1_000, decisions_per_write=20), 82.125, 164.25),
    # Reads 100 * 0.3285 = 32.85. Writes 10, and for each login two items in a transaction, twice as
    # much each: 10 + 8 = 18: 29.565. Index 2: 3.285.
    "sessions": (sessions(100, changed=0.1, logins=2), 65.70, 131.40),
    # Reads 0.3285; 10 GB: 2.50.
    "sessions that are kept": (sessions(1, gb=10), 2.8285, 3.157),
    # 5 KB: 2 units a read, half of them for eventual consistency: 40 * 0.3285 = 13.14. 5 units a
    # write and 5 for the index: 50 * 1.6425 = 82.125. 30 + 20 GB: 12.50.
    "media with an index": (
        TableLoad("media", reads=40, writes=5, index_writes=1, kb=5, gb=30, index_gb=20),
        107.765,
        203.03,
    ),
    # In transactions: 10 * 2 * 1.6425 = 32.85; 10 * 2 indexes: 32.85.
    "conversations in transactions": (
        TableLoad("conversations", transactional_writes=10, index_writes=2),
        65.70,
        131.40,
    ),
    # In two regions 2 * 10 * 1.6425 = 32.85, before 2 * 10 * 2.628 * 1.875 = 98.55; index writes
    # are ordinary ones in each: 32.85, before 65.70; 2 * 4 GB: 2.00.
    "a global table": (
        TableLoad("notifications", writes=10, index_writes=1, gb=4, replicas=1),
        67.70,
        166.25,
    ),
    # Two readers of four shards, four times a second: 32 * 2.628 * 0.20.
    "a stream": (TableLoad("notifications", stream_reads=32), 16.8192, 16.8192),
    # 100 GB: 25.00 to store, 20.00 to restore; 40 GB of backups: 4.00.
    "what is kept": (TableLoad("media", gb=100, recovery=True, backup_gb=40), 49.00, 49.00),
    # Restored in each region: 2 * (25.00 + 20.00).
    "what is kept in two regions": (
        TableLoad("media", gb=100, recovery=True, replicas=1),
        90.00,
        90.00,
    ),
    # 0.3 KB is 1 unit to write and 1 to read; 1,000 reads a second, half units: 164.25.
    "small items": (TableLoad("small", reads=1_000, writes=1, kb=0.3), 165.8925, 331.785),
}


@pytest.mark.parametrize(("load", "today", "before"), BY_HAND.values(), ids=BY_HAND.keys())
def test_ten_loads_by_hand_to_the_cent(load: TableLoad, today: float, before: float) -> None:
    assert on_demand(load, LIST).total == pytest.approx(today, abs=0.005)
    assert on_demand(load, BEFORE).total == pytest.approx(before, abs=0.005)


def test_half_a_cent_is_a_whole_one(capsys: pytest.CaptureFixture[str]) -> None:
    # 50 writes a second: $82.125.
    assert main(["cost", "--load", "limits:writes=50"]) == 0

    assert "$82.13" in capsys.readouterr().out


def test_provisioned_capacity_is_enough_for_the_peak() -> None:
    # 7 writes a second, 3 times as many at the peak, 70% used: 30 units, and 30 for the index. 14
    # reads, half units: 30 units.
    load = TableLoad("media", reads=14, writes=7, index_writes=1)

    bill = provisioned(load, LIST, Provisioning(peak=3, utilization=0.7))

    assert bill.reads == pytest.approx(30 * 0.0949)
    assert (bill.writes, bill.index_writes) == pytest.approx((14.235, 14.235))


def test_autoscaled_capacity_follows_the_mean_and_has_a_least() -> None:
    load = TableLoad("media", reads=14, writes=7, index_writes=0.1)
    how = Provisioning(peak=3, utilization=0.7, autoscaled=True, least=5)

    bill = provisioned(load, LIST, how)

    assert bill.reads == pytest.approx(10 * 0.0949)
    assert bill.writes == pytest.approx(10 * 0.4745)
    # One unit would do for the index.
    assert bill.index_writes == pytest.approx(5 * 0.4745)


def test_a_global_tables_capacity_is_paid_for_in_each_region() -> None:
    load = TableLoad("notifications", writes=7, replicas=1)

    bill = provisioned(load, BEFORE, Provisioning())

    assert bill.writes == pytest.approx(2 * 10 * 0.000975 * 730)


def test_nothing_is_provisioned_for_what_is_not_asked() -> None:
    assert provisioned(TableLoad("media", gb=4), LIST, Provisioning(least=5)).total == 1.0


def test_a_total_adds_up_what_each_part_is_for() -> None:
    bills = [on_demand(load, LIST) for load, _, _ in BY_HAND.values()]

    whole = total(bills)

    assert whole.storage == pytest.approx(sum(bill.storage for bill in bills))
    assert whole.total == pytest.approx(sum(today for _, today, _ in BY_HAND.values()), abs=0.05)


@pytest.mark.parametrize("kb", [0.0, 400.5])
def test_that_no_item_has_such_a_size(kb: float) -> None:
    with pytest.raises(ValueError, match=r"kb .+: must be above 0, and at most 400"):
        TableLoad("media", writes=1, kb=kb)
    with pytest.raises(ValueError, match=r"index_kb .+: must be above 0, and at most 400"):
        TableLoad("media", writes=1, index_kb=kb)


def test_what_a_load_says_counts_more_than_what_is_said_for_all_tables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    load = "media:writes=10,gb=4,replicas=0,recovery=0"
    assert main(["cost", "--load", load, "--replicas", "1", "--recovery", "--format", "json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["units_per_second"]["media"]["regions"] == 1
    assert told["bills"][0]["on_demand"]["media"]["total"] == 17.43  # 10 * 1.6425, and 4 * 0.25


@pytest.mark.parametrize("number", [-1.0, float("nan"), float("inf")])
def test_a_load_of_nonsense_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match=r"writes .+: must be a number of at least 0"):
        TableLoad("media", writes=number)


FIVE = [
    *("cost", "--requests-per-second", "500", "--denied", "20%", "--peak", "3"),
    *("--sessions-per-second", "100", "--session-changes", "10%", "--logins-per-second", "2"),
    *("--load", "media_metadata:reads=40,writes=5,index_writes=1,kb=5,gb=30,index_gb=20"),
    *("--load", "notifications:writes=10,index_writes=1,gb=4,stream_reads=32"),
    *("--load", "conversations:transactional_writes=10,index_writes=2,backup_gb=40"),
    *("--replicas", "1", "--recovery", "--least", "5"),
]


def test_the_command_tells_of_five_tables_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(FIVE) == 0
    out = capsys.readouterr().out

    for mode in ("on demand", "provisioned", "autoscaled"):
        assert f"Dollars a month, {mode}" in out
    for table in (
        "rate_limiting",
        "user_sessions",
        "media_metadata",
        "notifications",
        "conversations",
    ):
        assert out.count(f"  {table} ") == 3
    for prices in (LIST, BEFORE):
        assert f"at {prices.known_since}" in out


def test_the_command_tells_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FIVE, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)

    today, before = told["bills"]
    assert (today["prices"]["name"], before["prices"]["name"]) == ("list", "before")
    assert today["on_demand"]["rate_limiting"]["total"] == 657.00  # not replicated
    assert [bill["on_demand"] for bill in today["limiter"]] == [657.00, 821.25, 1_642.50]
    assert before["limiter"][2] == {
        "assumption": "every decision 2 writes (the most)",
        "writes_per_second": 1_000,
        "on_demand": 3_285.00,
        "provisioned": 2_033.71,
        "provisioned_units": 4_286,
    }
    assert today["on_demand"]["notifications"]["stream_reads"] == 16.82
    assert before["on_demand"]["notifications"]["writes"] == 98.55
    assert told["units_per_second"]["conversations"] == {
        "reads": 0,
        "writes": 20,
        "index_writes": 20,
        "regions": 2,
    }
    for mode in ("on_demand", "provisioned", "autoscaled"):
        tables = dict(today[mode])
        whole = tables.pop("total")["total"]
        assert whole == pytest.approx(sum(table["total"] for table in tables.values()), abs=0.05)


@pytest.mark.parametrize(("prices", "expected"), [("list", 36.8), ("before", 55.2)])
def test_a_price_that_is_given_holds_for_replicated_writes_too(
    prices: str, expected: float, capsys: pytest.CaptureFixture[str]
) -> None:
    load = ["cost", "--load", "media:writes=10,replicas=1", "--format", "json"]
    assert main([*load, "--prices", prices, "--write-per-million", "0.70015"]) == 0

    given = json.loads(capsys.readouterr().out)["bills"][0]
    # 2 * 10 * 2.628 * 0.70015, and half as much again before.
    assert given["on_demand"]["media"]["writes"] == expected


def test_the_command_draws_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cost.svg"
    large = [*FIVE, "--load", "logs:writes=1e9,kb=400"]
    assert main([*large, "--format", "svg", "--output", str(file)]) == 0
    assert capsys.readouterr().out == ""
    assert main([*large, "--format", "json"]) == 0
    today, before = json.loads(capsys.readouterr().out)["bills"]

    picture = ET.parse(file).getroot()
    texts = ["".join(each.itertext()) for each in picture.iter("{http://www.w3.org/2000/svg}text")]
    for bill in (today, before):
        assert f"{bill['prices']['name']}: {bill['prices']['known_since']}" in texts
        for mode in ("on_demand", "provisioned", "autoscaled"):
            assert f"${bill[mode]['total']['total']:,.2f}" in texts
    width = float(picture.attrib["width"])
    # A character is 8 wide at most.
    for text in picture.iter("{http://www.w3.org/2000/svg}text"):
        if (text.text or "").startswith("$"):
            assert float(text.attrib["x"]) + 8 * len(text.text or "") <= width
    for bar in picture.iter("{http://www.w3.org/2000/svg}rect"):
        if bar.attrib["width"] != "100%":
            assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--load", "media"], "write TABLE:NAME=NUMBER"),
        (["--load", "media:"], "unknown ''; expected one of reads, consistent_reads"),
        (["--load", "media:read=4"], "unknown 'read'; expected one of reads"),
        (["--load", "media:reads=many"], "reads must be a number from 0"),
        (["--load", "media:reads=-1"], "reads must be a number from 0"),
        (["--load", "media:reads=1,reads=2"], "reads is given twice"),
        (["--load", "media:reads=1", "--format", "png"], "png"),
        (["--load", "media:reads=1", "--replicas", "-1"], "-1"),
        (["--sessions-per-second", "0"], "'0': must be a number above 0"),
        (["--sessions-per-second", "50%"], "'50%': must be a number above 0"),
        (["--sessions-per-second", "1", "--session-kb", "401"], "must be KB above 0, at most 400"),
        (["--load", "media:reads=50%"], "'50%': reads must be a number from 0"),
        (["--load", "media:reads=1,kb=0"], "'0': kb must be KB above 0"),
        (["--load", "media:reads=1,replicas=1.5"], "'1.5': replicas must be an int from 0 to 100"),
        (["--load", "media:reads=1,recovery=2"], "'2': recovery must be 0 or 1"),
        (["--load", "total:reads=1"], "the table's name must be 1 to 255 letters"),
        (["--load", "\x1b[2J:reads=1"], "'\\x1b[2J:reads=1': the table's name must be"),
        (["--load", "media:reads=1", "--denied", "0.5"], "--denied needs --requests-per-second"),
        (
            ["--load", "media:reads=1", "--logins-per-second", "1"],
            "--logins-per-second needs --sessions-per-second",
        ),
        (["--requests-per-second", "1", "--peak", "300%"], "'300%': must be a factor"),
        (["--requests-per-second", "1", "--limits", "9" * 5_000], "must be an int from 1 to 100"),
    ],
)
def test_wrong_loads_are_told_in_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cost", *arguments])

    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_the_table_of_sessions_is_stored_and_can_be_restored(
    capsys: pytest.CaptureFixture[str],
) -> None:
    load = ["--sessions-per-second", "1", "--session-gb", "10", "--recovery"]

    assert main(["cost", *load]) == 0

    (line, *_) = [line for line in capsys.readouterr().out.splitlines() if "user_sessions" in line]
    assert line.split()[5:7] == ["$2.50", "$2.00"]


def test_a_file_that_can_not_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "absent" / "cost.json"

    assert main(["cost", "--load", "media:reads=1", "--output", str(file)]) != 0

    assert f"--output {file}: No such file or directory" in capsys.readouterr().err


def test_a_table_has_one_load(capsys: pytest.CaptureFixture[str]) -> None:
    twice = ["--load", "media:reads=1", "--load", "media:writes=1"]

    assert main(["cost", *twice]) != 0
    assert "table 'media': two loads are given" in capsys.readouterr().err
