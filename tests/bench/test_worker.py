"""The measuring: a worker's protocol, canned replies, recordings, the meter, the two-way due."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import lineup
from bench.canned_server import Replies, canned_server
from bench.environment import ROOT
from bench.lineup import ALL_ENTRIES, LineupEntry
from bench.metering_proxy import metered
from bench.recording import Recording, kind_of
from bench.worker.contender import Rate, bucket_due, window_due
from bench.workers import ContenderFailed, WorkerProcess
from tests.rate_limit_table import rate_limit_table

HEAD = b"POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.%b\r\n\r\n"


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    one = WorkerProcess(Path(sys.executable), None)
    yield one
    one.stop()


def test_a_worker_measures_a_contender(worker: WorkerProcess) -> None:
    worker.request("start", **lineup.OURS_IN_MEMORY.start_arguments("", ""))
    allowed = worker.request("timed_run", case="allowed", concurrency=4, seconds=0.0)
    denied = worker.request("timed_run", case="denied", concurrency=1, seconds=0.0)
    mixed = worker.request("timed_run", case="mixed", concurrency=1, seconds=0.0)
    assert allowed["admitted"] == allowed["calls"] > 0
    assert denied["admitted"] == 0 < denied["calls"]
    assert mixed["admitted"] * 2 == mixed["calls"]
    assert allowed["cpu_us"] > 0
    assert allowed["p99_us"] >= allowed["p50_us"] > 0


def test_a_load_is_offered_at_random_instants_and_every_answer_is_told(
    worker: WorkerProcess,
) -> None:
    worker.request("start", **lineup.OURS_IN_MEMORY_ASYNC.start_arguments("", ""))
    begin_at_ns = time.monotonic_ns() + 100_000_000
    load = {"key": "hot", "per_second": 400, "seconds": 0.5, "begin_at_ns": begin_at_ns}
    got = worker.request("offer", rate={"quantity": 10, "burst": 20}, seed="1", **load)
    assert len(got["called_ns"]) == pytest.approx(200, abs=60)
    assert 20 <= sum(got["admitted"]) <= 26
    assert got["failed"] == 0
    spans = list(zip(got["called_ns"], got["answered_ns"], strict=True))
    assert all(begin_at_ns <= called_ns <= answered_ns for called_ns, answered_ns in spans)


def test_a_contender_that_fails_is_told_with_the_reason(worker: WorkerProcess) -> None:
    absent = LineupEntry("absent", "absent")
    with pytest.raises(ContenderFailed, match=r"No module named 'bench.contenders.absent'"):
        worker.request("start", **absent.start_arguments("", ""))


def test_a_worker_that_ends_is_told(worker: WorkerProcess) -> None:
    with pytest.raises(ContenderFailed, match="AttributeError"):
        worker.request("nonsense")


def test_on_canned_replies_a_decision_is_allowed_or_denied_by_its_key(
    worker: WorkerProcess,
) -> None:
    with canned_server() as url:
        worker.request(
            "start", keys=3, **lineup.OURS_ASKING.start_arguments(url, "limits", count=True)
        )
        before = worker.request("counters")
        allowed = worker.request("exactly", case="allowed", calls=5)
        denied = worker.request("exactly", case="denied", calls=5)
        after = worker.request("counters")
    assert (allowed["admitted"], denied["admitted"]) == (5, 0)
    assert after["applied"] - before["applied"] == 5
    assert after["refused"] - before.get("refused", 0) >= 5


def test_a_reply_has_every_limit_that_was_asked_for() -> None:
    body = b'{"ExpressionAttributeNames":{"#0":"fullAt:second","#1":"fullAt:hour"}}'
    reply = Replies(None).reply_to(HEAD % b"UpdateItem" + body)
    assert b'"fullAt:second":{"N":"' in reply
    assert b'"fullAt:hour":{"N":"' in reply


def test_requests_are_of_one_kind_by_target_expression_and_denial() -> None:
    one = HEAD % b"UpdateItem" + b'{"UpdateExpression":"SET a = :a","Key":"user-1"}'
    other_key = one.replace(b"user-1", b"user-2")
    denied = one.replace(b"user-1", b"denied-1")
    other_expression = one.replace(b"a = :a", b"b = :b")
    assert kind_of(one) == kind_of(other_key)
    assert len({kind_of(one), kind_of(denied), kind_of(other_expression)}) == 3


def test_a_success_stays_for_keys_that_are_admitted_and_the_last_answer_for_others() -> None:
    recording = Recording()
    admitted = HEAD % b"UpdateItem" + b'{"UpdateExpression":"SET a = :a","Key":"user-1"}'
    denied = admitted.replace(b"user-1", b"denied-1")
    for request in (admitted, denied):
        recording.note(request, 400, b"too early")
        recording.note(request, 200, b"results")
        recording.note(request, 400, b"refused")
    assert recording.answer_to(kind_of(admitted)) == (200, b"results")
    assert recording.answer_to(kind_of(denied)) == (400, b"refused")


def test_what_was_never_recorded_is_answered_with_a_mistake() -> None:
    status, body = Recording().answer_to(b"DynamoDB_20120810.Scan?")
    assert status == 400
    assert b"never recorded" in body


def test_the_meter_counts_requests_and_units(dynamodb_endpoint: str, worker: WorkerProcess) -> None:
    with rate_limit_table(dynamodb_endpoint) as table, metered(dynamodb_endpoint) as (url, meter):
        worker.request("start", keys=2, **lineup.OURS_ASKING.start_arguments(url, table))
        meter.read()
        worker.request("exactly", case="allowed", calls=3)
        allowed = meter.read()
        worker.request("exactly", case="denied", calls=2)
        denied = meter.read()
    assert (allowed["requests"], allowed["write_units"], allowed["read_units"]) == (3, 3.0, 0.0)
    assert denied["write_units"] >= 2.0


def test_due_is_by_each_ones_own_rules() -> None:
    rate = Rate(50, 1, 5)
    assert bucket_due(rate, 3.5) == 180
    assert window_due(rate, 3.5) == 200


def test_names_are_unique() -> None:
    names = [entry.name for entry in ALL_ENTRIES]
    assert len(names) == len(set(names))


def test_a_worker_needs_the_standard_library_only() -> None:
    # -S leaves site-packages out, as they differ in each peer's environment.
    command = [sys.executable, "-S", "-c", "import bench.worker.__main__"]
    subprocess.run(command, cwd=ROOT, check=True)
