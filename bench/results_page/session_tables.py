"""The page on sessions: ours beside those of each framework, on the same engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.many_sessions import OURS, SESSIONS
from bench.results_page.markdown import not_measured, picture, table
from bench.results_page.raw_results import number, spread
from bench.session_peers import BARE, LINEUP

Raw = dict[str, Any]

HEAD = """\
The same site, in one process, on DynamoDB Local. Calls and units are those of one request, as the \
engine bills them; CPU is what a request adds to the site without sessions (us), with the least \
and most of the rounds. [What else a request bears](requests.md) has the middleware without its \
store.

A login of ours is one transaction, whose writes are billed twice, and an index of the user's \
sessions is written with it, by which they are shown and ended. The peers keep no such list.
"""


MANY_HEAD = f"""\
## Very many sessions

{SESSIONS:,} sessions of one user, listed by `sessions_of` and ended by `revoke_user`; beside them \
what an application would write with boto3, in as many threads as the store uses, and in one. \
Seconds, with the least and most of the rounds.
"""


def parts(raw: Raw, drawn: set[str]) -> Iterator[str]:
    """A table for each framework, and one of very many sessions."""
    yield from _of_frameworks(raw, drawn)
    if "many_sessions" in raw:
        yield MANY_HEAD
        rows = [
            (who, *(_seconds(of[name]) for name in ("list_seconds", "end_seconds")))
            for who, of in raw["many_sessions"].items()
        ]
        yield table(("", "listed", "ended"), rows)


def most_seconds(raw: Raw) -> float:
    """What our listing took, or our ending if that took longer: the median of the rounds."""
    return max(spread(rounds).median for rounds in raw["many_sessions"][OURS].values())


def _seconds(rounds: list[float]) -> str:
    of = spread(rounds)
    return f"{number(of.median)} ({number(of.low)} to {number(of.high)})"


def _of_frameworks(raw: Raw, drawn: set[str]) -> Iterator[str]:
    section = raw.get("session_peers")
    if section is None:
        return
    yield HEAD
    if "sessions" in drawn:
        yield picture("sessions", "what a session that is read adds to a request")
    for framework, sites in section["results"].items():
        names = [name for name in sites if name != BARE]
        cases = dict.fromkeys(case for name in names for case in sites[name])
        columns = [
            column for name in names for column in (f"{name}: calls", "writes", "reads", "CPU")
        ]
        rows = [
            (case, *(cell for name in names for cell in _cells(sites, name, case)))
            for case in cases
        ]
        yield f"## {framework}\n\n" + table(("", *columns), rows)
    notes = [f"- {entry.name}: {entry.note}." for entry in LINEUP if entry.note]
    yield "\n".join(notes) + "\n"
    if section["failures"]:
        yield not_measured(section["failures"])


def added_us(sites: Raw, name: str, case: str) -> tuple[float, float, float] | None:
    """Median, least and most of what a request's CPU is above that of the bare site."""
    rounds = sites[name].get(case, {}).get("cpu_us")
    if rounds is None or BARE not in sites:
        return None
    of, bare = spread(rounds), spread(sites[BARE][case]["cpu_us"]).median
    return of.median - bare, of.low - bare, of.high - bare


def _cells(sites: Raw, name: str, case: str) -> tuple[str, ...]:
    of = sites[name][case]
    added = added_us(sites, name, case)
    cpu = "" if added is None else "{} ({} to {})".format(*(number(max(0.0, us)) for us in added))
    return (*(f"{of[figure]:g}" for figure in ("calls", "write_units", "read_units")), cpu)
