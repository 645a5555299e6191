"""`python -m sessions.demo`, run for real: in memory, on the engine, and left serving."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sessions import MemorySessionStore
from sessions.demo.app import Site
from sessions.demo.browser import Browser
from sessions.demo.command import main
from sessions.demo.screen import Screen
from sessions.demo.server import HOST, Server, serving
from sessions.demo.story import Story
from sessions.wsgi import SessionMiddleware
from tests.session_table import items_of, session_table

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
KEPT = "Each session lasted until it was ended, and no cookie brought one back: kept."


def _site(store: MemorySessionStore) -> SessionMiddleware:
    return SessionMiddleware(Site(store), store, cookie="session", secure=False, deadline=5)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(_site(MemorySessionStore())) as running:
        yield running


def test_the_demo_in_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0

    shown = capsys.readouterr().out
    assert "MemorySessionStore" in shown
    assert re.search(r"site      http://localhost:\d+/", shown)
    login, devices, everywhere, logout, summary = re.split(r"\n(?:[1234]  .*|Summary)\n", shown)[1:]
    assert "POST /login              303  to /; cookie set" in login
    assert "200  Hello, ada; opened 2 times" in login
    assert "Firefox on Linux (this one)" in devices
    assert "Safari on iPhone" in devices
    assert "POST, by another site    403" in everywhere
    assert "Safari on iPhone  GET /                    200  Nobody is logged in" in everywhere
    assert "POST /logout             303  to /; cookie cleared" in logout
    assert "GET /, old cookie        200  Nobody is logged in" in logout
    assert KEPT in summary
    assert "WRONG" not in shown
    assert "\x1b" not in shown


def test_the_demo_on_the_engine(dynamodb_endpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with session_table(dynamodb_endpoint, indexed=False) as table:
        command = ["--endpoint-url", dynamodb_endpoint, "--table", table]
        assert main(command) == 0
        assert main(command) == 0

        shown = capsys.readouterr().out
        assert shown.count(KEPT) == 2
        assert f"in the table {table} at {dynamodb_endpoint}" in shown
        assert re.search(r"POST /login .*\n +Query, TransactWriteItems\n", shown)
        assert re.search(r"GET / +200  Nobody is logged in\n +no call\n", shown)
        assert re.search(r"forged cookie .*\n +no call\n", shown)
        owners = {item["ownerId"]["S"] for item in items_of(table, dynamodb_endpoint)}
        assert not owners, "every login was ended"


def test_that_a_missing_table_is_told_with_what_makes_it(
    dynamodb_endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--endpoint-url", dynamodb_endpoint, "--table", "no-such-table"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "sessions.demo: Query on table 'no-such-table': it, or its index, does not exist"
    )
    assert "`ratelimit-ddb tables create --endpoint-url" in line


def test_that_a_loopback_endpoint_needs_neither_region_nor_credentials(
    dynamodb_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_table(dynamodb_endpoint) as table:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name)
        # DynamoDB Local keeps tables of each key and region apart unless it shares them.
        assert main(["--endpoint-url", dynamodb_endpoint, "--table", table]) == 0


def test_that_without_a_region_it_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert main(["--table", "anything"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sessions.demo: table 'anything': no region; set AWS_DEFAULT_REGION")


def test_that_a_taken_port_is_told(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", str(server.server_port)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"sessions.demo: port {server.server_port} on 127.0.0.1: ")


@pytest.mark.parametrize(
    "given", [["--port", "65536"], ["--port", "x"], ["--endpoint-url", "localhost"], ["--what"]]
)
def test_that_misuse_is_one_line(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sessions.demo: ")


@pytest.mark.usefixtures("interruptible")
def test_that_it_goes_on_serving_until_interrupted() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sessions.demo", "--serve"], stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stdout is not None
            seen = ""
            for line in running.stdout:
                seen += line
                found = re.match(r"  http://localhost:(\d+)/$", line)
                if found:
                    break
            assert KEPT in seen
            assert found is not None
            browser = Browser(HOST, int(found[1]), FIREFOX)
            browser.get("/login")
            browser.post("/login", user_name="grace")
            browser.post("/logout")  # with the token of the form before: refused
            assert browser.get("/").heading == "Hello, grace"
            browser.post("/logout")
            running.send_signal(signal.SIGINT)
            rest = running.stdout.read()
            assert running.wait(timeout=10) == 0
        finally:
            running.kill()
    told = re.findall(r"^  \d\d:\d\d:\d\d   (\w+) +[0-9a-f]{8}(?:  (\w+))?$", rest, re.MULTILINE)
    assert told == [("created", ""), ("renewed", "grace"), ("destroyed", "grace")]
    assert rest.endswith("Stopped.\n")


def test_that_a_story_that_goes_wrong_is_no_success() -> None:
    class Forgetful(MemorySessionStore):
        def revoke_user(self, user_id: str, *, except_: str | None = None) -> int:
            return 0

    forgetful = Forgetful()
    screen = io.StringIO()
    with serving(_site(forgetful)) as server:
        one, other = (
            Browser(HOST, server.server_port, agent) for agent in (FIREFOX, "curl/8.14.1")
        )
        assert Story(Screen(screen), one, other, "ada").tell() is False
    shown = screen.getvalue()
    assert re.search(r"curl +GET / +200  Hello, ada; opened 3 times  WRONG", shown)
    assert "2 of 19 answers are not what they must be." in shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_that_only_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def shown() -> str:
        terminal = Terminal()
        Screen(terminal).verdict("kept", good=True)
        return terminal.getvalue()

    assert shown() == "  \x1b[32mkept\x1b[0m\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert shown() == "  kept\n"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert shown() == "  kept\n"


def test_that_signs_a_stream_lacks_are_replaced() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Screen(stream).line("Hello, Zoë")
    assert raw.getvalue() == b"Hello, Zo?\n"
