"""Each page says of which commit, day and machine it is; and what follows from its sections."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bench.raw_file import read
from bench.report import RAW, README, RESULTS
from bench.results_page.aims import rows
from bench.results_page.pages import FRONT, PAGES, pages
from bench.results_page.plots import plots
from bench.results_page.summary import BEGIN, END, lines, with_figures
from bench.results_page.where_we_lose import losses
from bench.sections import MEASURED_APART, NEEDS_NO_ENGINE, SECTIONS
from tests.bench.sample_results import ACCURACY, HOT_KEY, TAKEN, a_run

ONE, NONE = {"calls": 1, "write_units": 1.0, "read_units": 0.0}, None
OUTAGE = {
    "before_ms": [251.0, 250.4, 250.2],
    "after_ms": 0.041,
    "seconds_to_close": 0.8,
    "admitted_over_limit": 3.9,
    "missed": [],
}
RULES = {
    "blocking": {"1": [6.0, 6.1, 6.2], "3": [6.6, 6.71, 6.8]},
    "asyncio": {"1": [6.0], "3": [9.0]},
}
KINDS = {
    "bucket": {"first": ONE, "warm": ONE},
    "slot renewed, 100 held": {"first": {**ONE, "write_units": 2.0}, "warm": NONE},
}
SUITE = {
    "tests": 7_210,
    "failures": 0,
    "errors": 1,
    "skipped": 12,
    "seconds": 780,
    "began": "2026-01-01 11:00",
}


def visited(calls: int, writes: float, reads: float, cpu_us: float | None = None) -> dict[str, Any]:
    """One case of a site."""
    rounds = {} if cpu_us is None else {"cpu_us": [cpu_us - 1, cpu_us, cpu_us + 1]}
    return {"calls": calls, "write_units": writes, "read_units": reads, **rounds}


SESSIONS = {
    "results": {
        "Flask": {
            "bare": {"session read": visited(0, 0, 0, 60), "login": visited(0, 0, 0)},
            "ours": {"session read": visited(1, 0, 1, 360), "login": visited(2, 12, 1)},
            "flask-session": {
                "session read": visited(2, 1, 0.5, 2_560),
                "login": visited(3, 2, 0.5),
            },
        }
    },
    "failures": {"Django, Django's own": "no such package"},
}


MANY_SESSIONS = {
    "ratelimit-ddb": {"list_seconds": [0.8, 0.7, 0.9], "end_seconds": [2.1, 2.0, 2.4]},
    "boto3, 1 thread": {"list_seconds": [2.0, 2.0, 2.0], "end_seconds": [20.5, 20.0, 21.0]},
}


def soaked(**other: Any) -> dict[str, Any]:
    """One site's minutes."""
    return {
        "user": "AsgiSiteUser",
        "requests": 100_000,
        "failures": 0,
        "denied": 20_000,
        "per_second": 333.4,
        "p50_ms": 30,
        "p99_ms": 90,
        "server_cpu_us": 600.0,
        "own_cpu_us": 900.0,
        "megabytes": [44.0, 70.1, 70.2, 70.2],
        "seconds_a_sample": 75.0,
        "growth": {"before": 70.1, "after": 70.2, "kilobytes_per_1000": 0.5},
        **other,
    }


SOAK = {"seconds": 300, "users": 20, "runs": [soaked(), soaked(user="WsgiSiteUser")]}
FAULTS = {"rows": [{"fault": "kill -9", "promise": "P1, P12", "tried": 1_200, "violations": 0}]}
EVERYTHING = {
    "outage": OUTAGE,
    "rules": RULES,
    "kinds": KINDS,
    "suite": SUITE,
    "session_peers": SESSIONS,
    "many_sessions": MANY_SESSIONS,
    "soak": SOAK,
    "faults": FAULTS,
    "accuracy": ACCURACY,
    "hot_key": HOT_KEY,
}


def page_of(section: str, raw: dict[str, Any]) -> str:
    """The page that shows a section."""
    (page,) = [page for page in PAGES if section in page.sections]
    return pages(raw, set())[page.file]


def test_each_section_is_on_one_page() -> None:
    shown = [section for page in PAGES for section in page.sections]
    assert sorted(shown) == sorted([*SECTIONS, *MEASURED_APART])
    assert set(SECTIONS) >= NEEDS_NO_ENGINE


def test_each_page_says_commit_day_and_machine_and_the_first_links_to_all() -> None:
    taken = {section: TAKEN for page in PAGES for section in page.sections}
    texts = pages(a_run(taken=taken), set())
    for name, text in texts.items():
        assert "Measured on 2026-01-01 at commit abc1234, in " in text, name
        assert "a processor, 2 cores, 4 GB; Linux 6; CPython 3.11.7." in text, name
    assert set(re.findall(r"\]\(([a-z-]+\.md)\)", texts[FRONT])) >= set(texts) - {FRONT}


def test_sections_of_several_runs_are_told_apart_and_a_busy_machine_is_said() -> None:
    taken = {"outage": TAKEN, "faults": {**TAKEN, "commit": "def5678", "load": 6.5}}
    text = page_of("outage", a_run(outage=OUTAGE, faults=FAULTS, taken=taken))
    assert "`outage`: measured on 2026-01-01 at commit abc1234" in text
    assert "`faults`: measured on 2026-01-01 at commit def5678" in text
    assert text.count("other work ran beside it, a load of 6.5") == 1


def test_what_failed_and_what_is_missing_is_said() -> None:
    failed = {"outage": {**TAKEN, "commit": "def5678", "reason": "no route"}}
    text = page_of("outage", a_run(failed=failed))
    assert "on 2026-01-01 at commit def5678, and failed: no route" in text
    assert "Not measured: `outage`, `faults`." in text


@pytest.mark.parametrize(
    ("section", "row"),
    [
        ("outage", "| the first requests wait | 251, 250, 250 ms |"),
        ("outage", "| 4 processes at saturation admit | 3.90 times what one limit gives |"),
        ("faults", "| kill -9 | P1, P12 | 1,200 | 0 |"),
        ("rules", "| blocking | 6.10 ms | 6.71 ms | 1.10 |"),
        ("suite", "7,210 tests in 13.0 minutes; 1 failed, 12 were skipped."),
        ("kinds", "| bucket | 1 | 1 | 0 | 1 | 1 | 0 |"),
        ("kinds", "| slot renewed, 100 held | 1 | 2 | 0 |  |  |  |"),
        ("many_sessions", "| ratelimit-ddb | 0.80 (0.70 to 0.90) | 2.10 (2.00 to 2.40) |"),
        (
            "session_peers",
            "| session read | 1 | 0 | 1 | 300 (299 to 301) | 2 | 1 | 0.5 | 2,500 (2,499 to ",
        ),
        ("session_peers", "| login | 2 | 12 | 1 |  | 3 | 2 | 0.5 |  |"),
        ("session_peers", "- Django, Django's own was not measured: no such package"),
        (
            "soak",
            "| ASGI | 100,000 | 333 | 20% | 0 | 30 / 90 | 600 | 70.1 / 70.2 | +0.50 | met |",
        ),
    ],
)
def test_a_section_is_shown(section: str, row: str) -> None:
    assert row in page_of(section, a_run(**{section: EVERYTHING[section]}))


def test_a_site_that_failed_or_grew_is_shown_so() -> None:
    failed = {"user": "AsgiSiteUser", "failure": "it did not start"}
    grown = soaked(growth={"before": 70, "after": 90, "kilobytes_per_1000": 200.0})
    raw = a_run(soak={**SOAK, "runs": [failed, grown]})
    text = page_of("soak", raw)
    assert "| ASGI | it did not start |" in text
    assert "memory grew by 200 KB in 1,000 requests |" in text
    aims = {aim: reached for aim, _, _, reached in rows(raw)}
    assert aims["requests that failed in minutes of load"] == "**no**"
    assert aims["memory that 1,000 requests leave behind"] == "**no**"


def test_aims_of_the_sections_are_judged() -> None:
    aims = {aim: (value, reached) for aim, _, value, reached in rows(a_run(**EVERYTHING))}
    assert aims["what a request waits for three rules, over one"] == ("1.50 times", "**no**")
    assert aims["a decision in an outage, after the first three"] == ("0.04 ms", "yes")
    assert aims["what four processes admit in an outage, over one limit"] == ("3.90 times", "yes")
    assert aims["requests that failed in minutes of load"] == ("0", "yes")
    assert aims["promises that faults broke"] == ("0", "yes")


def test_where_a_peers_session_is_cheaper_that_is_a_loss() -> None:
    found = {(loss.where, loss.figure): loss for loss in losses(a_run(session_peers=SESSIONS))}
    login = found["sessions in Flask, login", "write units"]
    assert (login.ours, login.theirs, login.peer, login.times) == (
        "12.0",
        "2.00",
        "flask-session",
        6,
    )
    assert ("sessions in Flask, session read", "read units") in found
    assert ("sessions in Flask, session read", "CPU a request") not in found


def test_sessions_and_memory_are_drawn_and_shown() -> None:
    raw = a_run(session_peers=SESSIONS, soak=SOAK)
    drawn = plots(raw)
    assert ">Flask, ours<" in drawn["sessions"]
    assert ">2,500 us<" in drawn["sessions"]
    assert ">WSGI<" in drawn["memory"]
    texts = pages(raw, set(drawn))
    assert "](sessions.svg)" in texts["sessions.md"]
    assert "](memory.svg)" in texts["load.md"]


def test_the_summary_says_a_sentence_for_each_section() -> None:
    text = "\n".join(lines(a_run(**EVERYTHING)))
    assert "use 0.01 write units for each admitted request, and admit none too many." in text
    assert "adds 300 us of CPU and 1 read unit in Flask; one of flask-session adds " in text
    assert "2,500 us, 0.5 read units and 1 write unit." in text
    assert "In an outage 3 decisions wait for their deadline" in text
    assert "100,000 requests, 0 failed, 333 a second, p99 90 ms; memory 70.1 MB" in text
    assert "1,200 faults were tried on real processes and engines; 0 violations." in text


def test_figures_are_put_between_the_marks_and_nowhere_else() -> None:
    text = f"before\n{BEGIN}\n- old\n{END}\nafter\n"
    made = with_figures(text, a_run())
    assert made.startswith(f"before\n{BEGIN}\n- A decision by a write takes 100 us")
    assert made.endswith(f"\n{END}\nafter\n")
    assert "old" not in made
    assert with_figures(made, a_run()) == made


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_text_without_its_marks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        with_figures(text, a_run())


def test_the_figures_in_the_readme_are_the_kept_ones() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_figures(text, read(RESULTS / RAW)) == text
