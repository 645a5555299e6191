"""Rules that follow their file: when it is looked at, and what holds when it is bad."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import Rule
from ratelimit_ddb.web.rules import rules_file
from ratelimit_ddb.web.rules.rule_set import RulesSource
from ratelimit_ddb.web.rules.rules_file import RulesFile
from ratelimit_ddb.web.rules.rules_toml import RulesError
from tests.fake_clock import FakeClock
from tests.web.exchange import Ask, Get, limited_asgi, limited_wsgi

Told = list[tuple[Rule, ...] | RulesError]
Change = Callable[[Path, str], None]

BAD = "[[rule]]\n"
BAD_MESSAGE = "rules.toml:1: rule 1: path is required"


def rule(limits: str, name: str = "x") -> str:
    return f'[[rule]]\npath = "/*"\nlimits = "{limits}"\nname = "{name}"\n'


FIVE, SIX = rule("5/minute"), rule("6/minute")


def quantities(rules: tuple[Rule, ...]) -> list[int]:
    return [limit.quantity for rule in rules for limit in rule.limits]  # type: ignore[union-attr]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The monotonic clock by which files are looked at."""
    clock = FakeClock(0)
    monkeypatch.setattr(rules_file, "monotonic_ns", clock)
    return clock


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A relative path, so that messages are the same everywhere."""
    monkeypatch.chdir(tmp_path)
    path = Path("rules.toml")
    path.write_text(FIVE, encoding="utf-8")
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Each look at a file and each reading, as they happen."""
    seen: list[str] = []
    stat, read_bytes = Path.stat, Path.read_bytes

    def counted_stat(self: Path, **options: Any) -> os.stat_result:
        seen.append("stat")
        return stat(self, **options)

    def counted_read(self: Path) -> bytes:
        seen.append("read")
        return read_bytes(self)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", counted_stat)
        patch.setattr(Path, "read_bytes", counted_read)
        yield seen


def in_place(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def by_rename(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def by_rename_with_its_times(path: Path, text: str) -> None:
    old = path.with_suffix(".old")
    shutil.copy2(path, old)
    by_rename(path, text)
    shutil.copystat(old, path)


def in_place_with_its_times(path: Path, text: str) -> None:
    before = path.stat()
    in_place(path, text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES = [in_place, by_rename, by_rename_with_its_times, in_place_with_its_times]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_holds_from_the_next_check_on(
    path: Path, clock: FakeClock, change: Change
) -> None:
    source: RulesSource = RulesFile(path)
    change(path, SIX)
    clock.advance(0.999)
    assert quantities(source.current()) == [5]
    clock.advance(0.001)
    assert quantities(source.current()) == [6]


def test_a_change_behind_a_symbolic_link_is_seen(path: Path, clock: FakeClock) -> None:
    # As a Kubernetes ConfigMap is mounted: rules.toml -> ..data/rules.toml, and ..data is swapped.
    for name, text in (("one", FIVE), ("two", SIX)):
        Path(name).mkdir()
        Path(name, "rules.toml").write_text(text, encoding="utf-8")
        os.utime(Path(name, "rules.toml"), (1, 1))
    Path("..data").symlink_to("one")
    path.unlink()
    path.symlink_to(Path("..data", "rules.toml"))
    source = RulesFile(path)
    assert quantities(source.current()) == [5]
    Path("..new").symlink_to("two")
    Path("..new").rename("..data")
    clock.advance(1)
    assert quantities(source.current()) == [6]


def test_the_rules_are_the_same_tuple_until_something_changes(path: Path, clock: FakeClock) -> None:
    told: Told = []
    source = RulesFile(path, on_reload=told.append)
    rules = source.current()
    for change in (in_place, by_rename, by_rename_with_its_times):
        change(path, FIVE)
        clock.advance(1)
        assert source.current() is rules
    assert told == []


def test_a_write_that_no_stat_shows_is_seen_one_check_later(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Within one tick of the file system's clock: the same size, inode and times.
    before = path.stat()
    source = RulesFile(path)
    in_place(path, SIX)
    monkeypatch.setattr(Path, "stat", lambda self: before)
    clock.advance(1)
    assert quantities(source.current()) == [6]


def test_a_file_that_stays_is_looked_at_and_not_read(
    path: Path, clock: FakeClock, reads: list[str]
) -> None:
    source = RulesFile(path)
    clock.advance(1)
    source.current()
    reads.clear()
    for _ in range(5):
        clock.advance(1)
        for _ in range(10):
            source.current()
    assert reads == ["stat"] * 5


def test_what_is_written_during_the_reading_is_seen_at_the_next_check(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = RulesFile(path)
    clock.advance(1)
    source.current()
    read_bytes = Path.read_bytes

    def half(self: Path) -> bytes:
        content = read_bytes(self)[:20]
        in_place(path, f"{SIX}# the other half\n")
        return content

    in_place(path, SIX)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", half)
        clock.advance(1)
        assert quantities(source.current()) == [5]
    clock.advance(1)
    assert quantities(source.current()) == [6]


def test_every_request_looks_where_no_time_is_to_pass(path: Path, clock: FakeClock) -> None:
    source = RulesFile(path, check_seconds=0)
    by_rename(path, SIX)
    assert quantities(source.current()) == [6]
    by_rename(path, FIVE)
    assert quantities(source.current()) == [5]


def test_the_path_is_that_of_the_time_of_construction(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = RulesFile("rules.toml")
    by_rename(path, SIX)
    monkeypatch.chdir("/")
    clock.advance(1)
    assert quantities(source.current()) == [6]


def test_functions_are_those_of_the_time_of_construction(path: Path, clock: FakeClock) -> None:
    by_plan = '[[rule]]\npath = "/*"\nlimits = { function = "plan" }\n'
    functions: dict[str, Any] = {"plan": lambda request: "5/minute"}
    plan = functions["plan"]
    source = RulesFile(path, functions=functions)
    functions.clear()
    in_place(path, by_plan)
    clock.advance(1)
    assert source.current()[0].limits is plan


def break_it(path: Path) -> None:
    in_place(path, BAD)


def remove(path: Path) -> None:
    path.unlink()


def garble(path: Path) -> None:
    path.write_bytes(b"\n\xff")


def put_a_directory_there(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_to_a_device(path: Path) -> None:
    path.unlink()
    path.symlink_to(os.devnull)  # of others, and of pipes, requests would never be done reading


BREAKAGES = [
    (break_it, BAD_MESSAGE),
    (remove, "rules.toml: can't be read: No such file or directory"),
    (garble, "rules.toml:2: byte 0xff is not UTF-8, which TOML is written in"),
    (put_a_directory_there, "rules.toml: can't be read: Is a directory"),
    (link_to_a_device, "rules.toml: can't be read: Not a regular file"),
]


@pytest.mark.parametrize(("breakage", "message"), BREAKAGES)
def test_the_old_rules_stay_while_the_file_is_bad(
    path: Path,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    breakage: Callable[[Path], None],
    message: str,
) -> None:
    caplog.set_level(logging.INFO, "ratelimit_ddb")
    told: Told = []
    source = RulesFile(path, on_reload=told.append)
    rules = source.current()
    breakage(path)
    for _ in range(5):
        clock.advance(1)
        assert source.current() is rules
    assert [str(one) for one in told] == [message]
    (error,) = told
    assert isinstance(error, RulesError)
    assert error.path == "rules.toml"
    (record,) = caplog.records
    assert (record.name, record.levelname, record.exc_info) == ("ratelimit_ddb", "ERROR", None)
    assert record.getMessage() == f"the old rules stay: {message}"

    if path.is_dir():
        path.rmdir()
    by_rename(path, SIX)
    clock.advance(1)
    assert quantities(source.current()) == [6]
    assert told[1:] == [source.current()]
    assert caplog.records[-1].levelname == "INFO"
    assert caplog.records[-1].getMessage() == "rules.toml: rules in force: 1"


def test_each_bad_version_is_told_once_even_with_the_same_message(
    path: Path, clock: FakeClock
) -> None:
    told: Told = []
    source = RulesFile(path, on_reload=told.append)
    for text in (BAD, f"{BAD}# try again", f"{BAD}# try again", BAD):
        by_rename(path, text)
        for _ in range(3):
            clock.advance(1)
            source.current()
    assert [str(one) for one in told] == [BAD_MESSAGE] * 3


THREE = rule("5/minute") + rule("6/minute", "y") + rule("7/minute", "z")
CUT = rule("5/minute") + rule("6/minute", "y")


@pytest.mark.parametrize("change", [in_place, by_rename])
def test_a_file_cut_at_a_rules_end_takes_no_rule_away_until_it_has_stayed_so_for_a_second(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture, change: Change
) -> None:
    in_place(path, THREE)
    told: Told = []
    source = RulesFile(path, check_seconds=0, on_reload=told.append)
    change(path, CUT)
    for _ in range(3):
        assert quantities(source.current()) == [5, 6, 7]
        clock.advance(0.3)
    change(path, rule("5/minute"))  # another beginning, and it waits anew
    for _ in range(3):
        assert quantities(source.current()) == [5, 6, 7]
        clock.advance(0.4)
    assert told == []
    assert quantities(source.current()) == [5]
    assert [len(one) for one in told if isinstance(one, tuple)] == [1]
    (record,) = [one for one in caplog.records if one.levelname == "WARNING"]
    assert record.getMessage() == "rules.toml: rules no longer in force: 'y', 'z'"


def test_a_half_written_file_is_passed_over_when_the_rest_comes(
    path: Path, clock: FakeClock
) -> None:
    in_place(path, THREE)
    source = RulesFile(path)
    new = THREE.replace("/minute", "/hour")
    for end in (len(CUT) - len("minute") * 2 + len("hour") * 2, len(new)):
        in_place(path, new[:end])
        clock.advance(1)
        found = source.current()
    assert [str(rule.limits[0]) for rule in found] == [  # type: ignore[index]
        "5 per hour",
        "6 per hour",
        "7 per hour",
    ]


def test_a_change_that_also_brings_a_rule_holds_at_once_and_names_those_that_go(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    in_place(path, THREE)
    source = RulesFile(path)
    in_place(path, rule("8/minute", "new"))
    clock.advance(1)
    assert quantities(source.current()) == [8]
    assert "rules no longer in force: 'x', 'y', 'z'" in caplog.text


def test_a_file_that_says_how_many_rules_it_has_is_refused_when_it_is_cut(
    path: Path, clock: FakeClock
) -> None:
    in_place(path, f"rules = 3\n{THREE}")
    told: Told = []
    source = RulesFile(path, on_reload=told.append)
    in_place(path, f"rules = 3\n{CUT}")
    for _ in range(5):
        clock.advance(1)
        assert quantities(source.current()) == [5, 6, 7]
    (error,) = told
    assert str(error) == (
        "rules.toml:1: rules = 3: there are 2, so the file may be cut off; "
        "otherwise write rules = 2"
    )
    with pytest.raises(RulesError, match="may be cut off"):
        RulesFile(path)


def test_rules_that_come_back_as_they_were_are_told_and_stay_the_same_tuple(
    path: Path, clock: FakeClock
) -> None:
    told: Told = []
    source = RulesFile(path, on_reload=told.append)
    rules = source.current()
    path.unlink()
    clock.advance(1)
    source.current()
    in_place(path, FIVE)
    clock.advance(1)
    assert source.current() is rules
    assert len(told) == 2
    assert told[1] is rules


def test_a_file_that_could_not_be_opened_is_tried_at_each_check(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: Told = []
    source = RulesFile(path, on_reload=told.append)

    def refused(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    by_rename(path, SIX)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refused)
        for _ in range(3):
            clock.advance(1)
            assert quantities(source.current()) == [5]
    assert [str(one) for one in told] == ["rules.toml: can't be read: Permission denied"]
    clock.advance(1)
    assert quantities(source.current()) == [6]


def test_what_on_reload_raises_is_raised_and_the_new_rules_hold(
    path: Path, clock: FakeClock
) -> None:
    def on_reload(outcome: object) -> None:
        raise LookupError("the app's own")

    source = RulesFile(path, on_reload=on_reload)
    by_rename(path, SIX)
    clock.advance(1)
    with pytest.raises(LookupError, match="the app's own"):
        source.current()
    assert quantities(source.current()) == [6]
    by_rename(path, FIVE)
    clock.advance(1)
    with pytest.raises(LookupError, match="the app's own"):
        source.current()
    assert quantities(source.current()) == [5]


def test_a_forked_child_follows_the_file_though_a_thread_of_its_parent_was_reading_it(
    path: Path,
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        if threading.current_thread() is holder:
            reading.set()
            go_on.wait(5)

    source = RulesFile(path, check_seconds=0, on_reload=hold)
    path.write_text(SIX, encoding="utf-8")
    holder = threading.Thread(target=source.current)
    holder.start()
    assert reading.wait(5)
    child = os.fork()
    if child == 0:
        path.write_text(rule("7/minute"), encoding="utf-8")
        os._exit(quantities(source.current())[0])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    go_on.set()
    holder.join()


def test_on_reload_may_ask_for_the_rules(path: Path, clock: FakeClock) -> None:
    found: list[tuple[Rule, ...]] = []
    source = RulesFile(path, check_seconds=0, on_reload=lambda _: found.append(source.current()))
    by_rename(path, SIX)
    assert source.current() is found[0]
    assert quantities(found[0]) == [6]


def test_one_thread_reads_and_the_others_go_on(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = RulesFile(path)
    reading, go_on = threading.Event(), threading.Event()
    read_bytes = Path.read_bytes

    def slow(self: Path) -> bytes:
        reading.set()
        assert go_on.wait(30)
        return read_bytes(self)

    by_rename(path, SIX)
    clock.advance(1)
    monkeypatch.setattr(Path, "read_bytes", slow)
    with ThreadPoolExecutor(1) as pool:
        slow_one = pool.submit(source.current)
        try:
            assert reading.wait(30)
            clock.advance(5)
            assert quantities(source.current()) == [5]
        finally:
            go_on.set()
        assert quantities(slow_one.result(30)) == [6]


def test_however_many_threads_ask_each_change_is_read_once_and_whole(
    path: Path, clock: FakeClock
) -> None:
    told: Told = []
    source = RulesFile(path, on_reload=told.append)
    threads, versions = 8, 20
    turn = threading.Barrier(threads + 1)

    def ask() -> list[list[int]]:
        found = []
        for _ in range(versions):
            turn.wait(30)
            found += [quantities(source.current()) for _ in range(50)]
            turn.wait(30)
        return found

    with ThreadPoolExecutor(threads) as pool:
        asking = [pool.submit(ask) for _ in range(threads)]
        for version in range(versions):
            by_rename(path, rule(f"{version + 10}/minute"))
            clock.advance(1)
            turn.wait(30)
            turn.wait(30)
            assert quantities(source.current()) == [version + 10]
        found = [each.result(30) for each in asking]
    assert [quantities(each) for each in told if isinstance(each, tuple)] == [
        [version + 10] for version in range(versions)
    ]
    for each in found:
        assert each == sorted(each)


async def awaited(_: object) -> None: ...


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"path": 5}, TypeError, "path 5: must be a str or a path"),
        ({"path": b"rules.toml"}, TypeError, "path b'rules.toml': must be a str or a path"),
        ({"functions": ["plan"]}, TypeError, r"functions \['plan'\]: must be a mapping of names"),
        ({"functions": {"plan": 5}}, TypeError, "5: must be a name and a function"),
        ({"functions": {5: rule}}, TypeError, "functions 5: .*: must be a name and a function"),
        ({"check_seconds": -1}, ValueError, "check_seconds -1: must be from 0 to 3600 seconds"),
        ({"check_seconds": "1"}, TypeError, "check_seconds '1': must be a number of seconds"),
        ({"on_reload": 5}, TypeError, "on_reload 5: must be a function"),
        ({"on_reload": awaited}, TypeError, "on_reload .*: this is a coroutine function"),
        ({"path": "missing.toml"}, FileNotFoundError, "missing.toml"),
        ({"path": os.devnull}, OSError, "Not a regular file: '/dev/null'"),
        ({"path": "bad.toml"}, RulesError, "^bad.toml:1: rule 1: path is required$"),
    ],
)
def test_what_cannot_hold_is_told_at_construction(
    path: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    in_place(Path("bad.toml"), BAD)
    with pytest.raises(error, match=message):
        RulesFile(**{"path": path, **options})


@pytest.fixture(params=[limited_asgi, limited_wsgi], ids=["asgi", "wsgi"])
def limited(request: pytest.FixtureRequest) -> Callable[..., Ask]:
    made: Callable[..., Ask] = request.param
    return made


def test_requests_get_the_new_limit_and_with_it_a_new_bucket(
    path: Path, clock: FakeClock, limited: Callable[..., Ask]
) -> None:
    in_place(path, rule("4/minute"))
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=RulesFile(path))
    assert [ask(Get()).status for _ in range(2)] == [200, 200]
    by_rename(path, rule("2/minute"))
    assert ask(Get("/")).headers["ratelimit-policy"] == '"x";q=4;w=60'
    clock.advance(1)
    after = ask(Get())
    assert after.headers["ratelimit-policy"] == '"x";q=2;w=60'
    assert after.headers["ratelimit"].startswith('"x";r=1;')
    assert [ask(Get()).status for _ in range(2)] == [200, 429]
    # Back to the limit of before, and to what was left of its bucket.
    by_rename(path, rule("4/minute"))
    clock.advance(1)
    assert ask(Get()).headers["ratelimit"].startswith('"x";r=0;')


def test_a_new_name_begins_with_full_buckets(
    path: Path, clock: FakeClock, limited: Callable[..., Ask]
) -> None:
    in_place(path, rule("1/minute"))
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=RulesFile(path))
    assert [ask(Get()).status for _ in range(2)] == [200, 429]
    by_rename(path, rule("1/minute", name="y"))
    clock.advance(1)
    assert [ask(Get()).status for _ in range(2)] == [200, 429]


def test_requests_go_on_by_the_old_rules_while_the_file_is_bad(
    path: Path, clock: FakeClock, limited: Callable[..., Ask]
) -> None:
    in_place(path, rule("2/minute"))
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=RulesFile(path))
    assert ask(Get()).status == 200
    path.unlink()
    clock.advance(1)
    assert [ask(Get()).status for _ in range(2)] == [200, 429]
