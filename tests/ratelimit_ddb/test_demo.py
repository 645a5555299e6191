"""`ratelimit-ddb demo`, run for real: in memory, on the engine, and left serving."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import threading
import uuid
from http.client import HTTPConnection

import boto3
import pytest

from ratelimit_ddb import Limit, MemoryStore, RateLimiter
from ratelimit_ddb.cli import main
from ratelimit_ddb.demo.app import hello
from ratelimit_ddb.demo.screen import Screen, in_words
from ratelimit_ddb.demo.server import HOST, serving
from ratelimit_ddb.demo.visitor import Visitor
from ratelimit_ddb.demo.witness import Served, Witness

ADMITTED = re.compile(r"^ +\d+ ms   admitted  200   \S+  \d+ left$", re.MULTILINE)
DENIED = re.compile(
    r"^ +\d+ ms   denied    429   \S+  0 left   Retry-After: 1, exactly 0\.\d{3} s$", re.MULTILINE
)


def test_the_demo_in_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0

    shown = capsys.readouterr().out
    assert "MemoryStore" in shown
    assert "limit     2 per second burst 5, for each client address" in shown
    burst, token, refill, summary = re.split(r"\n(?:[123]  .*|Summary)\n", shown)[1:]
    assert (len(ADMITTED.findall(burst)), len(DENIED.findall(burst))) == (5, 3)
    assert re.search(r"Due in 0\.\d{3} s\. Waiting exactly that long", token)
    assert (len(ADMITTED.findall(token)), len(DENIED.findall(token))) == (1, 1)
    assert re.findall(r"(\d) of 5", refill) == ["1", "2", "3", "4", "5"]
    assert "10 requests in 0.5" in summary
    assert "6 admitted, 4 denied." in summary
    assert "6 in all: kept." in summary
    assert "there when the limiter had said" in summary
    assert "\x1b" not in shown


def test_that_a_large_burst_is_shown_in_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--limit", "60/hour burst 50"]) == 0
    shown = capsys.readouterr().out
    assert "44 more admitted" in shown
    assert len(ADMITTED.findall(shown)) == 6
    assert shown.count("not waited for") == 2
    assert "50 admitted, 3 denied." in shown


def test_that_a_refill_faster_than_the_burst_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--limit", "100000/second burst 4"]) == 0
    shown = capsys.readouterr().out
    assert "tokens come as fast as they are taken" in shown
    assert "11 admitted, 0 denied." in shown


def test_the_demo_on_the_engine(dynamodb_endpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = f"t{uuid.uuid4().hex[:12]}"
    command = ["demo", "--endpoint-url", dynamodb_endpoint, "--table", table]
    command += ["--limit", "1/second burst 3"]

    assert main(command) == 0
    first = capsys.readouterr().out
    assert main(command) == 0
    second = capsys.readouterr().out

    assert f"table     {table}, created just now" in first
    assert f"table     {table}\n" in second
    for shown in (first, second):
        assert "kept." in shown
        assert "there when the limiter had said" in shown
        assert re.search(r"decisions took \d+ conditional writes", shown)
    client = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint)
    (item,) = client.scan(TableName=table)["Items"]
    assert item["key"] == {"S": "demo:127.0.0.1"}


def test_that_a_taken_port_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(hello) as server:
        assert main(["demo", "--port", str(server.server_port)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ratelimit-ddb: port {server.server_port} on 127.0.0.1: ")


@pytest.mark.usefixtures("interruptible")
def test_that_it_goes_on_serving_until_interrupted() -> None:
    command = ["demo", "--serve", "--limit", "1/hour burst 2"]
    program = f"import sys; from ratelimit_ddb.cli import main; sys.exit(main({command}))"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stdout is not None
            for line in running.stdout:
                if found := re.search(r"curl -i http://127\.0\.0\.1:(\d+)/", line):
                    break
            assert found is not None
            connection = HTTPConnection(HOST, int(found[1]), timeout=10)
            connection.request("GET", "/")
            assert connection.getresponse().status == 429
            connection.close()
            shown = r"\d\d:\d\d:\d\d   denied    429   ○○  0 left   Retry-After: 3[56]\d\d,"
            assert any(re.search(shown, line) for line in running.stdout)
            running.send_signal(signal.SIGINT)
            rest = running.stdout.read()
            assert running.wait(timeout=10) == 0
        finally:
            running.kill()
    assert rest.endswith("Stopped.\n")


def test_that_one_connection_serves_many_requests() -> None:
    threads = set()

    def noting(environ: dict[str, object], start_response: object) -> object:
        threads.add(threading.get_ident())
        return hello(environ, start_response)  # type: ignore[arg-type]

    with serving(noting) as server, Visitor(HOST, server.server_port) as visitor:  # type: ignore[arg-type]
        assert [visitor.get().status for _ in range(5)] == [200] * 5
    assert len(threads) == 1


def test_that_a_body_is_not_taken_for_the_next_request() -> None:
    with serving(hello) as server:
        connection = HTTPConnection(HOST, server.server_port, timeout=10)
        for _ in range(2):
            connection.request("POST", "/", body=b"GET / HTTP/1.1\r\n\r\n")
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b"Hello, 127.0.0.1.\n")
        connection.close()


def test_that_a_body_too_large_is_refused() -> None:
    with serving(hello) as server:
        connection = HTTPConnection(HOST, server.server_port, timeout=10)
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", "1000000")
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()


def test_that_head_has_no_body_and_the_connection_stays_usable() -> None:
    with serving(hello) as server:
        connection = HTTPConnection(HOST, server.server_port, timeout=10)
        for method, body in (("HEAD", b""), ("GET", b"Hello, 127.0.0.1.\n")):
            connection.request(method, "/")
            assert connection.getresponse().read() == body
        connection.close()


def test_that_the_witness_tells_and_changes_nothing() -> None:
    told: list[Served] = []
    witness = Witness(hello)
    with serving(witness) as server, Visitor(HOST, server.server_port) as visitor:
        visitor.get()
        witness.tell = told.append
        assert visitor.get().admitted
    assert told == [Served("127.0.0.1", 200, None)]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"


def test_that_only_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = RateLimiter(MemoryStore(), Limit.parse("1/hour burst 4")).peek("any")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32m●●●●\x1b[0m" in Screen(Terminal()).gauge(bucket)
    monkeypatch.setenv("NO_COLOR", "1")
    assert Screen(Terminal()).gauge(bucket) == "●●●●"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert Screen(Terminal()).gauge(bucket) == "●●●●"


def test_that_a_stream_without_the_signs_gets_plain_ones() -> None:
    bucket = RateLimiter(MemoryStore(), "1/hour burst 4").peek("any")
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert Screen(plain).gauge(bucket) == "####"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.005, "5 ms"), (0.491, "0.491 s"), (59.95, "59.950 s"), (90, "1.5 min"), (5400, "1.5 h")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
