"""Reading a whole table: all of it, once, and no faster than is allowed."""

from __future__ import annotations

import io

import pytest
from botocore.exceptions import ClientError

from ratelimit_ddb import DynamoDBStore
from ratelimit_ddb.cli.progress_bar import ProgressBar
from ratelimit_ddb.cli.table_scan import Progress, TableScan
from ratelimit_ddb.errors import KeyThrottled, StoreError, StoreUnavailable
from tests.ddbwire.fault_server import FaultServer, error, reply
from tests.table_fake import ScannedStore, item


class Time:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def scan(store: ScannedStore, segments: int, units_per_second: float, time: Time) -> TableScan:
    return TableScan(
        store,
        "buckets",
        segments=segments,
        units_per_second=units_per_second,
        monotonic=time.monotonic,
        sleep=time.sleep,
    )


@pytest.mark.parametrize("segments", [1, 4, 7, 64])
@pytest.mark.parametrize("units_per_second", [1, 20, 1e6])
def test_every_item_is_read_once(segments: int, units_per_second: float) -> None:
    store = ScannedStore([item(f"k{index}") for index in range(501)])
    scanned = scan(store, segments, units_per_second, Time())
    keys = [one.key for page in scanned.pages() for one in page]
    assert sorted(keys) == sorted(one.key for one in store.items)
    assert scanned.progress.is_complete
    assert scanned.progress.items == 501


@pytest.mark.parametrize("segments", [1, 4, 64])
@pytest.mark.parametrize("units_per_second", [1, 5, 50])
def test_no_more_read_units_are_used_than_are_allowed(
    segments: int, units_per_second: float
) -> None:
    time = Time()
    scanned = scan(
        ScannedStore([item(f"k{i}") for i in range(2_000)]), segments, units_per_second, time
    )
    first = 12.5  # the first page is read before it is known what its 25 items cost
    for _ in scanned.pages():
        used = scanned.progress.units or 0.0
        assert used <= units_per_second * time.now + max(units_per_second, first)
    assert time.now >= (1_000 - max(units_per_second, first)) / units_per_second


def test_pages_grow_to_what_half_a_second_pays_for() -> None:
    store = ScannedStore([item(f"k{i}") for i in range(5_000)])
    for _ in scan(store, 2, 1_000, Time()).pages():
        pass
    asked = [(page.segment, page.most_items) for page in store.asked]
    assert asked[:6] == [(0, 25), (0, 100), (1, 100), (0, 400), (1, 400), (0, 500)]


def test_what_was_read_before_a_failure_is_kept_and_the_failure_is_raised() -> None:
    store = ScannedStore(
        [item(f"k{index}") for index in range(8)], failures={1: StoreUnavailable("gone")}
    )
    scanned = scan(store, 2, 100, Time())
    pages = scanned.pages()
    keys = [one.key for one in next(pages)]
    with pytest.raises(StoreUnavailable, match="gone"):
        next(pages)
    assert keys == ["k0", "k2", "k4", "k6"]
    assert not scanned.progress.is_complete


def of_the_table() -> StoreUnavailable:
    failure = StoreUnavailable("busy")
    response = {"Error": {"Code": "ProvisionedThroughputExceededException"}}
    failure.__cause__ = ClientError(response, "Scan")  # type: ignore[arg-type]
    return failure


@pytest.mark.parametrize("throttled", [of_the_table(), KeyThrottled("busy")], ids=["table", "key"])
def test_a_table_that_throttles_is_asked_later_and_for_less(throttled: StoreError) -> None:
    store = ScannedStore(
        [item(f"k{index}") for index in range(40)], failures=dict.fromkeys(range(1, 6), throttled)
    )
    time = Time()
    scanned = scan(store, 1, 100, time)
    assert len([one for page in scanned.pages() for one in page]) == 40
    assert scanned.progress.is_complete
    assert [page.most_items for page in store.asked] == [25, 100, 50, 25, 12, 6, 3, 12]
    assert time.now >= 1 + 2 + 4 + 8 + 16


def test_a_throttle_is_known_by_what_dynamodb_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddbwire.calls.retry._FIRST_PAUSE_SECONDS", 0.0005)
    code = "ProvisionedThroughputExceededException"
    reasons = [{"reason": "TableReadProvisionedThroughputExceeded", "resource": "t"}]
    page = {"Items": [], "ScannedCount": 3, "ConsumedCapacity": {"CapacityUnits": 0.5}}
    time = Time()
    with FaultServer() as server:
        of_the_table = error(code, ThrottlingReasons=reasons)
        attempts = 8  # what the wire makes of one call
        with DynamoDBStore("t", endpoint_url=server.url, report_capacity=True) as store:
            store.warm_up()
            server.script.extend([error(code), *[of_the_table] * attempts, reply(page)])
            scanned = TableScan(
                store,
                "buckets",
                segments=1,
                units_per_second=100,
                monotonic=time.monotonic,
                sleep=time.sleep,
            )
            assert list(scanned.pages()) == [()]
    assert scanned.progress == Progress(3, 0.5, True)
    assert time.now == 1 + 2


def test_a_table_that_throttles_again_and_again_is_given_up() -> None:
    store = ScannedStore([item("k")], failures=dict.fromkeys(range(6), KeyThrottled("busy")))
    with pytest.raises(KeyThrottled, match="busy"):
        next(scan(store, 1, 100, Time()).pages())
    assert len(store.asked) == 6


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("expected", "progress", "line"),
    [
        (None, Progress(1_234, None, False), "1,234 items"),
        (0, Progress(1_234, 55.5, False), "1,234 items, 55.5 read units"),
        (100, Progress(50, 2.0, False), f"[{'#' * 12}{'.' * 12}]  50%  50 items, 2.0 read units"),
        (100, Progress(200, 2.0, False), f"[{'#' * 23}.]  99%  200 items, 2.0 read units"),
        (100, Progress(50, 2.0, True), f"[{'#' * 24}] 100%  50 items, 2.0 read units"),
    ],
)
def test_a_bar_tells_how_far_it_is(expected: int | None, progress: Progress, line: str) -> None:
    terminal = Terminal()
    bar = ProgressBar(expected, terminal)
    bar.show(progress)
    assert terminal.getvalue() == f"\r\x1b[K{line}"
    bar.clear()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_there_is_no_bar_where_there_is_no_terminal() -> None:
    piped = io.StringIO()
    bar = ProgressBar(100, piped)
    bar.show(Progress(50, 2.0, False))
    bar.clear()
    assert not piped.getvalue()
