"""What decisions leave in the log: which records, what is in them, and how many."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ratelimit_ddb import DynamoDBStore, MemoryStore, RateLimiter, StoreUnavailable
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.log import log_decisions
from ratelimit_ddb.web import Rule, everyone, header
from ratelimit_ddb.web.identity.identity import digest_of
from ratelimit_ddb.wsgi import RateLimitMiddleware
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, Page, limited_asgi, limited_wsgi, over_wsgi

LOGGER = "ratelimit_ddb.decisions"
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "observing.md"
LOGIN = Rule("/login", "1/minute", name="login")
CREDENTIAL = "sk-live-5f2b9c71"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    caplog.set_level(logging.DEBUG, LOGGER)
    # What a store's breaker logs of itself is tests/ratelimit_ddb/test_breaker.py's.
    with caplog.filtering(logging.Filter(LOGGER)):
        yield caplog


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def facts(record: logging.LogRecord) -> dict[str, Any]:
    return {
        name.removeprefix("ratelimit_"): fact
        for name, fact in vars(record).items()
        if name.startswith("ratelimit_")
    }


def levels_and_messages(log: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in log.records]


@pytest.mark.parametrize("limited", [limited_asgi, limited_wsgi], ids=["asgi", "wsgi"])
def test_a_denial_is_a_record_with_all_its_facts(
    limited: Any, log: pytest.LogCaptureFixture, clock: FakeClock
) -> None:
    ask = limited(store=MemoryStore(clock=clock), rules=LOGIN, on_decision=log_decisions())
    assert [ask(Get("/login")).status for _ in range(2)] == [200, 429]
    assert levels_and_messages(log) == [("INFO", "denied by rule 'login'")]
    (record,) = log.records
    found = facts(record)
    assert found.pop("latency_ms") > 0
    assert found == {
        "rule": "login",
        "key_digest": digest_of("login:192.0.2.7"),
        "limit": "1 per minute",
        "cost": 1,
        "allowed": False,
        "enforced": True,
        "source": "seen",
        "remaining": 0,
        "retry_after_seconds": 60.0,
        "calls": 0,
        "capacity_units": 0.0,
        "operation": "acquire",
        "refunded": False,
        "left_out": 0,
    }
    assert record.exc_info is None


def test_admitted_requests_are_logged_only_where_asked_for(log: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    limited_wsgi(store=store, rules=LOGIN, on_decision=log_decisions())(Get("/login"))
    assert log.records == []
    store = MemoryStore()
    tell = log_decisions(admitted=True)
    limited_wsgi(store=store, rules=LOGIN, on_decision=tell)(Get("/login"))
    assert levels_and_messages(log) == [("DEBUG", "admitted by rule 'login'")]
    assert facts(log.records[0])["retry_after_seconds"] == 0.0


def test_a_denial_in_shadow_mode_says_what_would_be(log: pytest.LogCaptureFixture) -> None:
    rule = Rule("/login", "1/minute", name="login", enforce=False)
    ask = limited_wsgi(store=MemoryStore(), rules=rule, on_decision=log_decisions())
    assert [ask(Get("/login")).status for _ in range(2)] == [200, 200]
    assert levels_and_messages(log) == [("INFO", "would be denied by rule 'login'")]
    assert facts(log.records[0])["enforced"] is False


def test_a_denial_for_good_names_no_time_to_come_back(log: pytest.LogCaptureFixture) -> None:
    rule = Rule("/upload", "5/minute", cost=lambda request: 6, name="upload")
    ask = limited_wsgi(store=MemoryStore(), rules=rule, on_decision=log_decisions())
    assert ask(Get("/upload")).status == 429
    found = facts(log.records[0])
    assert (found["source"], found["cost"], found["retry_after_seconds"]) == ("cost", 6, None)


def test_tokens_given_back_are_told_as_such(log: pytest.LogCaptureFixture) -> None:
    rules = [
        Rule("/*", "5/minute", name="each"),
        Rule("/*", "1/minute", by=everyone(), name="all"),
    ]
    options: dict[str, Any] = {"deny_cache": 0, "on_decision": log_decisions(admitted=True)}
    ask = limited_wsgi(store=MemoryStore(), rules=rules, **options)
    ask(Get())
    log.clear()
    ask(Get())
    told = [(record.getMessage(), facts(record)["refunded"]) for record in log.records]
    assert told == [("admitted by rule 'each'", True), ("denied by rule 'all'", False)]


def test_what_a_limit_further_in_has_given_back_is_a_record_of_its_own(
    log: pytest.LogCaptureFixture,
) -> None:
    options: dict[str, Any] = {"store": MemoryStore(), "on_decision": log_decisions(admitted=True)}
    inner = RateLimitMiddleware(Page().wsgi, rules=Rule("/*", "1/minute", name="in"), **options)
    outer = RateLimitMiddleware(inner, rules=Rule("/*", "5/minute", name="out"), **options)
    ask = over_wsgi(outer)
    ask(Get())
    log.clear()
    ask(Get())
    told = [(record.getMessage(), facts(record)["refunded"]) for record in log.records]
    assert told == [
        ("admitted by rule 'out'", False),
        ("gave back what rule 'out' took", True),
        ("denied by rule 'in'", False),
    ]


def test_charging_and_blocking_are_records_of_their_own(log: pytest.LogCaptureFixture) -> None:
    store = FlakyStore()
    limiter = RateLimiter(store, "9/minute", on_decision=log_decisions(admitted=True))
    limiter.charge("k", 5)
    limiter.block("k", 60)
    limiter.refund(limiter.acquire("other"))
    store.failure = StoreUnavailable("gone")
    limiter.charge("k", 5)
    with pytest.raises(StoreUnavailable):
        limiter.block("k", 60)
    rule = "rule '9 per minute'"
    assert levels_and_messages(log) == [
        ("DEBUG", f"charged {rule}"),
        ("INFO", f"blocked a key of {rule}"),
        ("DEBUG", f"admitted by {rule}"),
        ("DEBUG", f"gave back what {rule} took"),
        ("WARNING", f"no answer from the store for {rule}, it may not be charged: gone"),
        ("ERROR", f"no answer from the store for {rule}, a key may not be blocked: gone"),
    ]


@pytest.mark.parametrize(
    ("policy", "enforced", "status", "level", "what"),
    [
        ("local", True, 200, "WARNING", "passed"),
        ("allow", True, 200, "WARNING", "passed"),
        ("deny", True, 503, "ERROR", "refused"),
        ("deny", False, 200, "WARNING", "passed"),
    ],
)
def test_an_outages_level_says_what_became_of_the_request(
    log: pytest.LogCaptureFixture, policy: str, enforced: bool, status: int, level: str, what: str
) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("table 't': throttled")
    rule = Rule("/login", "1/minute", name="login", enforce=enforced)
    ask = limited_wsgi(store=store, rules=rule, on_outage=policy, on_decision=log_decisions())
    assert ask(Get("/login")).status == status
    message = f"no answer from the store for rule 'login', {what}: table 't': throttled"
    assert levels_and_messages(log) == [(level, message)]
    (record,) = log.records
    found = facts(record)
    assert (found["source"], found["calls"]) == ("outage", 1)
    assert found["error_type"] == "StoreUnavailable"
    assert found["error"] == "table 't': throttled"
    assert found["on_outage"] == policy
    assert record.exc_info is None


def test_a_denial_by_this_processs_own_buckets_is_no_error(
    log: pytest.LogCaptureFixture,
) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("gone")
    ask = limited_wsgi(store=store, rules=LOGIN, on_decision=log_decisions())
    assert [ask(Get("/login")).status for _ in range(2)] == [200, 429]
    assert levels_and_messages(log)[-1] == (
        "WARNING",
        "no answer from the store for rule 'login', denied by this process's own buckets: gone",
    )


def test_an_outage_that_is_raised_is_logged_before(log: pytest.LogCaptureFixture) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("gone")
    ask = limited_wsgi(store=store, rules=LOGIN, on_outage="raise", on_decision=log_decisions())
    with pytest.raises(StoreUnavailable, match="gone"):
        ask(Get("/login"))
    assert [record.levelname for record in log.records] == ["ERROR"]


def test_an_outage_of_a_table_names_its_cause_and_no_credentials(
    log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-session-token")
    store = DynamoDBStore("limits", endpoint_url="http://127.0.0.1:1", region_name="eu-west-1")
    ask = limited_wsgi(store=store, rules=LOGIN, deadline=0.1, on_decision=log_decisions())
    assert ask(Get("/login")).status == 200
    (outage,) = [record for record in log.records if record.name == LOGGER]
    assert facts(outage)["error_type"] in ("Unreachable", "DeadlineExceeded")
    written = rendered(log.records)
    assert "http://127.0.0.1:1" in written
    for secret in ("wJalrXUtnFEMI", "AKIDEXAMPLE", "a-session-token"):
        assert secret not in written


@pytest.mark.parametrize("limited", [limited_asgi, limited_wsgi], ids=["asgi", "wsgi"])
@pytest.mark.parametrize("key", [False, True])
def test_no_record_holds_a_credential(
    limited: Any, key: bool, log: pytest.LogCaptureFixture
) -> None:
    store = FlakyStore()
    rules = [
        Rule("/*", "2/minute", by=header("x-api-key"), name="by key"),
        Rule("/*", "1/minute", by=header("authorization"), name="by token", enforce=False),
    ]
    tell = log_decisions(admitted=True, key=key)
    ask = limited(store=store, rules=rules, on_decision=tell)
    secrets = {"x-api-key": CREDENTIAL, "authorization": f"Bearer {CREDENTIAL}"}
    for _ in range(3):
        ask(Get(f"/?key={CREDENTIAL}", headers=secrets))
    store.failure = StoreUnavailable("gone")
    ask(Get(headers={name: f"{value}-other" for name, value in secrets.items()}))
    assert {record.levelname for record in log.records} == {"DEBUG", "INFO", "WARNING"}
    written = rendered(log.records)
    assert CREDENTIAL not in written
    assert (f"by key:{digest_of(CREDENTIAL)}" in written) is key


def rendered(records: list[logging.LogRecord]) -> str:
    return "\n".join(f"{record.getMessage()} {vars(record)!r}" for record in records)


def test_the_key_is_there_where_asked_for(log: pytest.LogCaptureFixture) -> None:
    tell = log_decisions(key=True, admitted=True)
    limited_wsgi(store=MemoryStore(), rules=LOGIN, on_decision=tell)(Get("/login"))
    assert facts(log.records[0])["key"] == "login:192.0.2.7"


def test_records_go_to_the_logger_given(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tests.shop")
    caplog.set_level(logging.INFO, logger.name)
    ask = limited_wsgi(store=MemoryStore(), rules=LOGIN, on_decision=log_decisions(logger))
    for _ in range(2):
        ask(Get("/login"))
    assert [record.name for record in caplog.records] == ["tests.shop"]


def test_what_a_record_factory_adds_does_not_clash(log: pytest.LogCaptureFixture) -> None:
    plain = logging.getLogRecordFactory()

    def with_attributes_of_its_own(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = plain(*args, **kwargs)
        for name in ("rule", "key", "source", "cost", "limit", "calls", "error"):
            setattr(record, name, "mine")
        return record

    logging.setLogRecordFactory(with_attributes_of_its_own)
    try:
        ask = limited_wsgi(store=MemoryStore(), rules=LOGIN, on_decision=log_decisions(key=True))
        assert [ask(Get("/login")).status for _ in range(2)] == [200, 429]
    finally:
        logging.setLogRecordFactory(plain)
    assert vars(log.records[0])["source"] == "mine"


def test_of_a_flood_ten_records_a_second_are_written_and_the_rest_counted(
    log: pytest.LogCaptureFixture, clock: FakeClock
) -> None:
    store = MemoryStore(clock=clock)
    tell = log_decisions(clock=clock)
    ask = limited_wsgi(store=store, rules=LOGIN, on_decision=tell)
    for _ in range(1 + 35):
        ask(Get("/login"))
    assert [facts(record)["left_out"] for record in log.records] == [0] * 10
    clock.advance(0.1)
    for _ in range(5):
        ask(Get("/login"))
    clock.advance(1)
    ask(Get("/login"))
    assert [facts(record)["left_out"] for record in log.records[10:]] == [25, 4]


def test_the_bound_of_the_log_is_no_limit_that_the_environment_turns_off(
    log: pytest.LogCaptureFixture, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATELIMIT_DDB_ENABLED", "0")
    tell = log_decisions(clock=clock)
    ask = limited_wsgi(store=MemoryStore(clock=clock), rules=LOGIN, on_decision=tell, enabled=True)
    for _ in range(1 + 35):
        ask(Get("/login"))
    assert len(log.records) == 10


def test_a_flood_of_one_sort_leaves_the_others_their_records(
    log: pytest.LogCaptureFixture,
) -> None:
    store = FlakyStore()
    rules = [LOGIN, Rule("/other", "1/minute", name="other")]
    tell = log_decisions(at_most="1/hour", clock=FakeClock())
    ask = limited_wsgi(store=store, rules=rules, deny_cache=0, on_decision=tell)
    for _ in range(3):
        ask(Get("/login"))
        ask(Get("/other"))
        store.time.advance_ns(1)
    store.failure = StoreUnavailable("gone")
    for _ in range(3):
        ask(Get("/login"))
    assert [(record.levelname, facts(record)["rule"]) for record in log.records] == [
        ("INFO", "login"),
        ("INFO", "other"),
        ("WARNING", "login"),
    ]


def test_every_one_is_written_where_no_bound_is_wanted(log: pytest.LogCaptureFixture) -> None:
    tell = log_decisions(at_most=None)
    ask = limited_wsgi(store=MemoryStore(), rules=LOGIN, on_decision=tell)
    for _ in range(1 + 50):
        ask(Get("/login"))
    assert [facts(record)["left_out"] for record in log.records] == [0] * 50


def test_what_threads_leave_out_together_is_counted(
    log: pytest.LogCaptureFixture, clock: FakeClock
) -> None:
    tell = log_decisions(clock=clock)
    ask = limited_wsgi(store=MemoryStore(clock=clock), rules=LOGIN, on_decision=tell)
    ask(Get("/login"))

    def flood() -> None:
        for _ in range(100):
            ask(Get("/login"))

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clock.advance_ns(SECOND_NS)
    ask(Get("/login"))
    assert len(log.records) == 11
    assert sum(facts(record)["left_out"] for record in log.records) == 400 - 10


def test_a_level_that_is_off_counts_nothing_as_left_out(
    log: pytest.LogCaptureFixture, clock: FakeClock
) -> None:
    tell = log_decisions(at_most="1/hour", clock=clock)
    ask = limited_wsgi(store=MemoryStore(clock=clock), rules=LOGIN, on_decision=tell)
    log.set_level(logging.WARNING, LOGGER)
    for _ in range(3):
        ask(Get("/login"))
    log.set_level(logging.INFO, LOGGER)
    ask(Get("/login"))
    assert [facts(record)["left_out"] for record in log.records] == [0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"logger": "shop"}, TypeError, "logger 'shop': must be a logging.Logger"),
        ({"admitted": 1}, TypeError, "admitted 1: must be True or False"),
        ({"key": "login"}, TypeError, "key 'login': must be True or False"),
        ({"at_most": "often"}, ValueError, "at_most: limit 'often'"),
        ({"at_most": 5}, TypeError, "at_most: limits 5"),
    ],
)
def test_what_can_not_hold_is_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        log_decisions(**options)


def test_the_guides_formatter_writes_the_line_that_the_guide_shows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = GUIDE.read_text(encoding="utf-8")
    python = "".join(re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    (shown,) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(python, GUIDE.name, "exec"), names)
    try:
        for _ in range(6):
            log_in(names["app"])
    finally:
        names["logger"].removeHandler(names["handler"])
    (line,) = capsys.readouterr().err.splitlines()
    written, expected = json.loads(line), json.loads(shown)
    for measured in ("time", "ratelimit_latency_ms", "ratelimit_retry_after_seconds"):
        assert type(written.pop(measured)) is type(expected.pop(measured))
    assert written == expected


def log_in(app: Any) -> None:
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/login", "REMOTE_ADDR": "192.0.2.7"}
    list(app(environ, lambda status, headers, exc_info=None: None))


def test_logging_that_is_configured_after_the_imports_hears_everything() -> None:
    # dictConfig disables the loggers that exist, as Django's LOGGING does after its settings.
    program = """
import logging.config

import ddbwire.signing.credentials, ratelimit_ddb.asgi, ratelimit_ddb.flask, ratelimit_ddb.web
import sessions.asgi, sessions.flask
from ratelimit_ddb import MemoryStore, RateLimiter
from ratelimit_ddb.log import log_decisions

limiter = RateLimiter(MemoryStore(), "1/minute", on_decision=log_decisions())
handlers = {"console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}}
root = {"handlers": ["console"], "level": "INFO"}
logging.config.dictConfig({"version": 1, "handlers": handlers, "root": root})
limiter.acquire("user-123")
limiter.acquire("user-123")
for name, logger in logging.root.manager.loggerDict.items():
    if name.partition(".")[0] in ("ratelimit_ddb", "ddbwire", "sessions"):
        assert not getattr(logger, "disabled", False), name
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "denied by rule '1 per minute'\n"
