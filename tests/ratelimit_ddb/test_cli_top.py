"""``ratelimit-ddb top`` and ``limits list``: what they print, and when they are cut short."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ratelimit_ddb.cli import limits, main, scan_arguments, top
from ratelimit_ddb.cli.scan_arguments import TableSize
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.key import KEY_OF_NO_BUCKET
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.scan_operation import ScannedItem
from ratelimit_ddb.slots.mark import new_mark
from tests.fake_clock import FakeClock
from tests.table_fake import ScannedStore, item

CLOCK = FakeClock()
Serve = Callable[..., ScannedStore]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Have the commands read a table of these items."""

    def serve(*items: ScannedItem, **options: Any) -> ScannedStore:
        store = ScannedStore(items, clock=CLOCK, **options)

        @contextlib.contextmanager
        def opened(_options: argparse.Namespace) -> Iterator[ScannedStore]:
            yield store

        for module in (top, limits):
            monkeypatch.setattr(module, "scanned_store", opened)
        monkeypatch.setattr(scan_arguments, "table_size", lambda _options: TableSize(4, 1e6))
        return store

    return serve


def at(seconds: float) -> int:
    return CLOCK.now_ns + round(seconds * SECOND_NS)


def used(key: str, tokens: float, writes: int = 1) -> ScannedItem:
    return item(key, writes, **{"10-per-minute": at(6 * tokens)})


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    said = capsys.readouterr()
    assert not said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_the_most_used_keys_come_first(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    serve(used("few", 2, 9), used("idle", -1), used("all", 10), used("owes", 15, 3), used("one", 1))
    assert main(["top", "--table", "t", "--count", "3"]) == 0
    said = capsys.readouterr()
    assert [line.split() for line in said.out.splitlines()] == [
        ["SHARE", "USED", "LIMIT", "DENIED", "FOR", "WRITES", "WRITES/S", "KEY"],
        ["150%", "15", "10", "per", "minute", "36.0", "s", "3", "-", "owes"],
        ["100%", "10", "10", "per", "minute", "6.0", "s", "1", "-", "all"],
        ["20%", "2", "10", "per", "minute", "-", "9", "-", "few"],
    ]
    assert said.err == "read 5 items, 2.5 read units\n"
    assert main(["top", "--table", "t", "--count", "1", "--by", "writes"]) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("few")


def test_as_json_it_is_one_object(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    serve(item("ada", 7, plan=at(30), **{"10-per-minute": at(30)}))
    assert main(["top", "--table", "t", "--json"]) == 0
    of_limit = {
        "name": "10-per-minute",
        "limit": "10 per minute",
        "share": 0.5,
        "used": 5,
        "denied_for": 0.0,
        "full_after": 30.0,
    }
    of_name = {**of_limit, "name": "plan", "limit": None, "share": None, "used": None}
    assert told(capsys) == {
        "table": "t",
        "complete": True,
        "items": 1,
        "read_units": 2.0,
        "keys": [
            {
                "key": "ada",
                "share": 0.5,
                "writes": 7,
                "writes_per_second": None,
                "limits": [of_limit, of_name],
            }
        ],
    }


def test_slots_that_are_held_are_shown_with_their_share_where_their_number_is_told(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    def held(key: str, *seconds: float) -> ScannedItem:
        marks = {slot: new_mark(at(left)) for slot, left in enumerate(seconds)}
        return ScannedItem(f"{key}:slots", {}, 0, None, None, marks)

    serve(used("ada", 2, 9), held("few", 30, -1), held("many", 20, 40, 30, 5), held("none", -1))
    assert main(["top", "--table", "t", "--by", "slots"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["-", "4", "in-flight", "-", "-", "-", "many:slots"],
        ["-", "1", "in-flight", "-", "-", "-", "few:slots"],
        ["20%", "2", "10", "per", "minute", "-", "9", "-", "ada"],
    ]
    assert main(["top", "--table", "t", "--in-flight", "4"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["100%", "4", "4", "at", "once", "1.0", "s", "-", "-", "many:slots"],
        ["25%", "1", "4", "at", "once", "-", "-", "-", "few:slots"],
        ["20%", "2", "10", "per", "minute", "-", "9", "-", "ada"],
    ]
    assert main(["top", "--table", "t", "--json", "--prefix", "many"]) == 0
    of_slots = {"name": "in-flight", "limit": None, "share": None, "used": 4}
    times = {"denied_for": 0.0, "full_after": 40.0}
    assert told(capsys)["keys"][0]["limits"] == [of_slots | times]
    for wrong in ("0", "1001", "x"):
        with pytest.raises(SystemExit):
            main(["top", "--table", "t", "--in-flight", wrong])
        assert "must be an int from 1 to 1000" in capsys.readouterr().err


def test_a_name_that_was_given_is_told_by_limit(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(item("ada", plan=at(30)))
    assert main(["top", "--table", "t", "--limit", "plan=10/minute"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["50%", "5"]
    assert main(["top", "--table", "t"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["-", "-", "plan"]


def test_keys_are_those_of_a_namespace_and_a_beginning(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(used("shop:login:a", 1), used("shop:api:a", 1), used("login:a", 1))
    of_login = ["top", "--table", "t", "--json", "--prefix", "login:"]
    assert main([*of_login, "--namespace", "shop"]) == 0
    assert [one["key"] for one in told(capsys)["keys"]] == ["shop:login:a"]
    assert main(of_login) == 0
    assert [one["key"] for one in told(capsys)["keys"]] == ["login:a"]


def test_what_a_terminal_would_obey_is_escaped(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(used("ada\x1b[2J\x9b\r\u202e", 1))
    assert main(["top", "--table", "t"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1].endswith(r"ada\x1b[2J\x9b\r\u202e")
    assert not {"\x1b", "\x9b", "\r", "\u202e"} & set(out)


def test_a_table_without_use_is_no_failure(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve()
    assert main(["top", "--table", "t"]) == 0
    assert capsys.readouterr().out == "no key has used any of its limits\n"
    assert main(["top", "--table", "t", "--json"]) == 0
    assert told(capsys)["keys"] == []


@pytest.mark.parametrize(
    ("failure", "ends", "message"),
    [(KeyboardInterrupt(), 130, ""), (StoreUnavailable("it is gone"), 1, "it is gone")],
)
@pytest.mark.parametrize("command", [["top"], ["limits", "list"]], ids=" ".join)
def test_what_was_found_is_shown_though_it_is_cut_short(
    serve: Serve,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    failure: BaseException,
    ends: int,
    message: str,
) -> None:
    one_by_one = ["--segments", "1", "--table", "t", "--json"]
    serve(*[used("ada", 1), stored("plan:pro")] * 20, failures={1: failure})
    assert main([*command, *one_by_one]) == ends
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["complete"], found["items"]) == (False, 25)
    assert found.get("keys") or found.get("names")
    assert message in said.err


@pytest.mark.parametrize("command", [["top"], ["limits", "list"]], ids=" ".join)
def test_that_there_is_nothing_is_not_said_of_a_table_that_was_not_read(
    serve: Serve, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    serve(*[used("ada", -1)] * 40, failures={1: KeyboardInterrupt()})
    assert main([*command, "--segments", "1", "--table", "t"]) == 130
    said = capsys.readouterr()
    assert "found so far" in said.out
    assert said.err.startswith("read 25 items, 12.5 read units, not the whole table\n")


def test_a_watch_looks_again_and_tells_the_writes_a_second(
    serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = serve(used("hot", 5, 100), used("anew", 4, 50))
    now, slept = [1_000.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise KeyboardInterrupt
        now[0] += 10
        store.items = [used("hot", 5, 350), used("anew", 4, 3), used("new", 3, 7)]

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    assert main(["top", "--table", "t", "--watch", "10", "--json"]) == 130
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert [one["writes_per_second"] for one in first["keys"]] == [None, None]
    rates = {one["key"]: one["writes_per_second"] for one in second["keys"]}
    assert rates == {"hot": 25.0, "anew": None, "new": None}
    assert slept == [10, 10]


def test_a_watch_that_is_interrupted_before_a_page_does_not_pass_for_a_look(
    serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(used("ada", 5), failures={1: KeyboardInterrupt()})
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    one = ["--segments", "1", "--watch", "10", "--json"]
    assert main(["top", "--table", "t", *one]) == 130
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["complete"], first["items"]) == (True, 1)
    assert (second["complete"], second["items"], second["keys"]) == (False, 0, [])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_progress_bar_and_a_pipe_has_none(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(used("ada", 1))
    assert main(["top", "--table", "t"]) == 0
    assert "#" not in capsys.readouterr().err
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["top", "--table", "t"]) == 0
    assert "100%  1 items" in terminal.getvalue()
    assert "#" not in capsys.readouterr().out


def test_a_progress_bar_fits_its_terminal_and_a_dumb_one_has_none(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(used("ada", 1))
    monkeypatch.setattr(sys, "stderr", narrow := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "30")
    assert main(["top", "--table", "t"]) == 0
    bars = [line for line in re.split("[\r\n]", narrow.getvalue()) if "#" in line]
    assert bars
    assert max(len(line.removeprefix("\x1b[K")) for line in bars) < 30
    monkeypatch.setattr(sys, "stderr", dumb := Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert main(["top", "--table", "t"]) == 0
    assert "\x1b" not in dumb.getvalue()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--count", "0"],
        ["--count", "10001"],
        ["--count", "x"],
        ["--count", "000000000" + "1" * 20],
        ["--in-flight", " 1_0"],
        ["--in-flight", "\u0663"],
        ["--segments", "1" * 5_000],
        ["--read-units-per-second", "1_0"],
        ["--segments", "0"],
        ["--segments", "65"],
        ["--watch", "0"],
        ["--watch", "nan"],
        ["--read-units-per-second", "0"],
        ["--read-units-per-second", "inf"],
        ["--read-units-per-second", "nan"],
        ["--by", "size"],
    ],
)
def test_what_can_not_hold_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["top", "--table", "t", *arguments])
    told = capsys.readouterr().err
    assert arguments[0] in told
    assert "must be " in told or "choose from" in told


def stored(
    name: str, texts: tuple[str, ...] = ("5 per minute",), at: int | None = 1_795_950_101
) -> ScannedItem:
    return ScannedItem(f"limits:{name}{KEY_OF_NO_BUCKET}", {}, 0, texts, at)


def test_stored_limits_are_listed_by_name(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    serve(
        stored("plan:pro", ("5 per minute", "9 per hour")),
        stored("shop:plan\x1b", at=None),
        stored("broken", ("unlimited",)),
        used("ada", 1),
    )
    assert main(["limits", "list", "--table", "t"]) == 0
    said = capsys.readouterr()
    lines = [line.split() for line in said.out.splitlines()]
    assert [line[0] for line in lines] == ["NAME", "broken", "plan:pro", r"shop:plan\x1b"]
    assert [line[1] for line in lines[1:]] == ["2026-11-29T11:01:41Z", "2026-11-29T11:01:41Z", "-"]
    assert said.out.splitlines()[1].endswith("unlimited (no limit)")
    assert said.out.splitlines()[2].endswith("5 per minute, 9 per hour")
    assert main(["limits", "list", "--table", "t", "--namespace", "shop", "--json"]) == 0
    assert told(capsys) == {
        "table": "t",
        "complete": True,
        "items": 4,
        "read_units": 2.0,
        "names": [
            {"name": "plan\x1b", "limits": ["5 per minute"], "valid": True, "changed_at": None}
        ],
    }
