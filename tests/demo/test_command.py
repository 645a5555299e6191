"""`python -m demo`, run for real: in memory, on the engine, and left serving."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from types import SimpleNamespace

import boto3
import pytest

from demo.app import application
from demo.command import main
from demo.server import HOST, Server, serving
from demo.stores import Stores, in_memory, on_dynamodb, tables_of
from demo.story.browser import Browser
from demo.story.limits_story import LimitsStory
from demo.story.screen import Screen
from demo.story.sessions_story import SessionsStory
from ratelimit_ddb import MemoryStore, RateLimiter
from sessions import MemorySessionStore
from tests.dynamodb_local import free_port
from tests.fake_clock import FakeClock

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ADMITTED = re.compile(r"^ +\d+ ms   admitted  200   \S+  \d+ left$", re.MULTILINE)
DENIED = re.compile(
    r"^ +\d+ ms   denied    429   \S+  0 left   Retry-After: 1, exactly 0\.\d{3} s$", re.MULTILINE
)
PUNCTUAL = "The next token was there when the limiter had said."
KEPT = "Each session lasted until it was ended, and no cookie brought one back: kept."


def served(stores: Stores) -> Iterator[Server]:
    app = application(stores.limits, stores.sessions, cookie="session", secure=False, deadline=5)
    with serving(app) as running:
        yield running


@pytest.fixture
def stores() -> Stores:
    return in_memory()


@pytest.fixture
def server(stores: Stores) -> Iterator[Server]:
    yield from served(stores)


def test_the_story_in_memory(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # It waits for its tokens; on the engine, it does so really.
    clock = FakeClock()
    began_ns = clock.now_ns
    time_of_the_story = SimpleNamespace(
        sleep=clock.advance,
        monotonic=lambda: (clock.now_ns - began_ns) / 1_000_000_000,
        monotonic_ns=clock,
    )
    monkeypatch.setattr("demo.story.limits_story.time", time_of_the_story)
    monkeypatch.setattr("demo.story.caller.time", time_of_the_story)
    stores = replace(in_memory(), limits=MemoryStore(clock=clock))
    monkeypatch.setattr("demo.command.in_memory", lambda: stores)

    assert main([]) == 0

    shown = capsys.readouterr().out
    assert "MemoryStore" in shown
    assert "MemorySessionStore" in shown
    assert re.search(r"site      http://localhost:\d+/", shown)
    parts = re.split(r"\n(?:[1-8]  .*|Limits|Sessions)\n", shown)[1:]
    burst, token, refill, together, limits, login, devices, everywhere, logout, sessions = parts
    assert (len(ADMITTED.findall(burst)), len(DENIED.findall(burst))) == (8, 3)
    assert re.search(r"Due in 0\.\d{3} s\. Waiting exactly that long", token)
    assert (len(ADMITTED.findall(token)), len(DENIED.findall(token))) == (1, 1)
    assert re.findall(r"(\d) of 8", refill) == ["2", "4", "6", "8"]
    each = re.findall(r"(ada|grace|linus) +[●○#.]+ +(\d+) admitted, (\d+) denied", together)
    assert [name for name, *_ in each] == ["ada", "grace", "linus"]
    assert 20 <= sum(int(admitted) for _, admitted, _ in each) < 36
    assert "allowed: kept" in together
    assert "9 admitted, 4 denied." in limits
    assert "9 in all: kept." in limits
    assert PUNCTUAL in limits
    assert "POST /login              303  to /; cookie set" in login
    assert "200  Hello, ada; opened 2 times" in login
    assert "Firefox on Linux (this one)" in devices
    assert "Safari on iPhone" in devices
    assert "POST, by another site    403" in everywhere
    assert "Safari on iPhone  GET /                    200  Nobody is logged in" in everywhere
    assert "POST /logout             303  to /; cookie cleared" in logout
    assert "GET /, old cookie        200  Nobody is logged in" in logout
    assert KEPT in sessions
    assert "WRONG" not in shown
    assert "\x1b" not in shown


def test_the_story_on_the_engine(
    dynamodb_endpoint: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)  # a loopback endpoint needs neither region nor credentials
    prefix = f"t{uuid.uuid4().hex[:12]}"
    command = ["--endpoint-url", dynamodb_endpoint, "--prefix", prefix]

    assert main(command) == 0

    shown = capsys.readouterr().out
    assert f"at {dynamodb_endpoint} (us-east-1, made-up credentials and region)" in shown
    names = [f"{prefix}-demo-rate-limits", f"{prefix}-demo-user-sessions"]
    for name in names:
        assert f"in the table {name}, created just now\n" in shown
    assert PUNCTUAL in shown
    assert re.search(r"requests together took \d+ conditional writes", shown)
    assert KEPT in shown
    assert re.search(r"POST /login .*\n +UpdateItem, Query, TransactWriteItems\n", shown)
    assert re.search(r"GET / +200  Nobody is logged in\n +no call\n", shown)
    assert re.search(r"forged cookie .*\n +no call\n", shown)
    with on_dynamodb(tables_of(prefix), dynamodb_endpoint, None) as again:
        assert again.where[1:] == (
            f"buckets   in the table {names[0]}",
            f"sessions  in the table {names[1]}",
        )
    client = boto3.client(
        "dynamodb",
        endpoint_url=dynamodb_endpoint,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    items = client.scan(TableName=names[1])["Items"]
    assert not any(item.get("ownerId", {}).get("S") for item in items), "every login was ended"


@pytest.mark.parametrize("arguments", [[], ["--serve"]])
def test_that_an_unreachable_endpoint_is_told_in_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert main([*arguments, "--endpoint-url", url]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("demo: ")
    assert url in line


def test_that_a_taken_port_is_told(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", str(server.server_port)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"demo: port {server.server_port} on 127.0.0.1: ")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--port", "65536"], "'65536'"),
        (["--port", "http"], "'http': must be a number up to 65535"),
        (["--endpoint-url", "localhost:8000"], "write http://HOST:PORT"),
        (["--endpoint-url", "http://localhost:port"], "write http://HOST:PORT"),
        (["--what"], "--what"),
    ],
)
def test_that_misuse_is_one_line(
    given: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("demo: ")
    assert told in line


def test_that_an_impossible_name_of_tables_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--endpoint-url", "http://localhost:8000", "--prefix", "a b"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("demo: table name 'a b-demo-")


@pytest.mark.usefixtures("interruptible")
def test_that_it_goes_on_serving_until_interrupted() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "demo", "--serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            assert running.stdout is not None
            assert running.stderr is not None
            for line in running.stdout:
                if found := re.match(r"  http://localhost:(\d+)/$", line):
                    break
            assert found is not None
            browser = Browser(HOST, int(found[1]), FIREFOX)
            browser.get("/login")
            browser.post("/login", user_name="grace")
            browser.post("/logout")  # with the token of the form before: refused
            assert browser.get("/").heading == "Hello, grace"
            live = HTTPConnection(HOST, int(found[1]), timeout=10)
            live.request("GET", "/live")
            response = live.getresponse()
            assert response.readline() == b"event: board\n"
            running.send_signal(signal.SIGINT)
            rest = running.stdout.read()
            assert running.wait(timeout=10) == 0, "also while a page is open"
            assert running.stderr.read() == ""
            response.close()
            live.close()
        finally:
            running.kill()
    assert rest.endswith("Stopped.\n")


@pytest.mark.usefixtures("interruptible")
def test_that_a_story_that_is_interrupted_ends_without_a_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stdout is not None
            assert running.stderr is not None
            for line in running.stdout:
                if line.startswith("3  The refill"):
                    break
            running.send_signal(signal.SIGINT)
            running.stdout.read()
            assert running.wait(timeout=10) == 130
            assert running.stderr.read() == "\n"
        finally:
            running.kill()


def test_that_a_reader_who_leaves_is_no_error_to_tell() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as output:
        run = subprocess.run(
            [sys.executable, "-m", "demo"], stdout=output, stderr=subprocess.PIPE, check=False
        )
    assert run.stderr == b""
    assert run.returncode == 1


def test_that_a_story_of_sessions_that_goes_wrong_is_no_success() -> None:
    class Forgetful(MemorySessionStore):
        def revoke_user(self, user_id: str, **options: str | None) -> int:
            return 0

    told = io.StringIO()
    for server in served(Stores(MemoryStore(), Forgetful(), ())):
        story = SessionsStory(Screen(told), HOST, server.server_port, "ada")
        assert story.tell() is False
    shown = told.getvalue()
    assert re.search(r"Safari on iPhone +GET / +200  Hello, ada; opened 3 times  WRONG", shown)
    assert "2 of 19 answers are not what they must be." in shown


def test_that_a_limit_that_is_not_kept_is_no_success(
    server: Server, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.story.limits_story._due", lambda *_: 3)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    told = io.StringIO()
    assert LimitsStory(Screen(told), HOST, server.server_port, stores).tell() is False
    assert "3 in all: exceeded." in told.getvalue()
    assert "The next token was not there when the limiter had said." in told.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"


def test_that_only_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = RateLimiter(MemoryStore(), "1/hour burst 4").peek("any")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32m●●●●\x1b[0m" in Screen(Terminal()).gauge(bucket)
    monkeypatch.setenv("NO_COLOR", "1")
    assert Screen(Terminal()).gauge(bucket) == "●●●●"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert Screen(Terminal()).gauge(bucket) == "●●●●"
    assert Screen(io.StringIO()).gauge(bucket) in ("●●●●", "####")


def test_that_signs_a_stream_lacks_are_replaced() -> None:
    raw = io.BytesIO()
    screen = Screen(io.TextIOWrapper(raw, encoding="ascii"))
    assert screen.gauge(RateLimiter(MemoryStore(), "1/hour burst 4").peek("any")) == "####"
    screen.line("Hello, Zoë")
    assert raw.getvalue() == b"Hello, Zo?\n"
