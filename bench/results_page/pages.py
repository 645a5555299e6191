"""The pages of a report: which sections each shows, and what stands at its head."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.results_page import (
    front_page,
    hot_key_tables,
    hot_path_tables,
    load_tables,
    request_tables,
    scale_tables,
    session_tables,
    trouble_tables,
    units_tables,
)
from bench.results_page.provenance import head

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        file: its name.
        title: its heading.
        about: what the first page says of it.
        sections: those that it shows.
        parts: its text, from the raw figures and the names of the plots that were drawn.
    """

    file: str
    title: str
    about: str
    sections: tuple[str, ...]
    parts: Callable[[Raw, set[str]], Iterator[str]]


PAGES = (
    Page(
        "decisions.md",
        "One decision",
        "CPU, waits and decisions a second of all contenders, on a table and in memory",
        ("canned", "engine", "memory", "values"),
        hot_path_tables.parts,
    ),
    Page(
        "scale.md",
        "Scale and accuracy",
        "against keys, limits, requests at once, processes; what is admitted at saturation",
        ("scale_keys", "scale_limits", "scale_concurrency", "scale_processes", "accuracy"),
        scale_tables.parts,
    ),
    Page(
        "hot-keys.md",
        "One hot key",
        "what many processes admit of it, and what they ask of its partition",
        ("hot_key",),
        hot_key_tables.parts,
    ),
    Page(
        "units.md",
        "Calls, units, dollars",
        "what the table bills for each kind of limit, each method, and sessions",
        ("money", "kinds"),
        units_tables.parts,
    ),
    Page(
        "sessions.md",
        "Sessions",
        "beside flask-session, starsessions and Django's own; very many of one user",
        ("session_peers", "many_sessions"),
        session_tables.parts,
    ),
    Page(
        "requests.md",
        "One request",
        "what middlewares add, several rules, calls on a mixed load, imports, the tests' time",
        ("middleware", "rules", "sessions", "mixed", "import", "suite"),
        request_tables.parts,
    ),
    Page(
        "load.md",
        "Under load",
        "applications under Locust, for seconds and for minutes; their memory",
        ("soak", "load"),
        load_tables.parts,
    ),
    Page(
        "trouble.md",
        "Outages and faults",
        "what an outage costs, and how many kills, stops and cuts were tried",
        ("outage", "faults"),
        trouble_tables.parts,
    ),
)
FRONT = "README.md"


def pages(raw: Raw, drawn: set[str], verdict: Raw | None = None) -> dict[str, str]:
    """The text of each page by its file name.

    Args:
        raw: the raw figures.
        drawn: the names of the plots that lie beside them.
        verdict: of compare.py on another run.
    """
    every = [section for page in PAGES for section in page.sections]
    links = "".join(f"- [{page.title}]({page.file}): {page.about}.\n" for page in PAGES)
    front = ("# Results\n", head(raw, every), links, *front_page.parts(raw, drawn, verdict))
    texts = {FRONT: front, **{page.file: _page(page, raw, drawn) for page in PAGES}}
    return {name: "\n".join(part for part in text if part) for name, text in texts.items()}


def _page(page: Page, raw: Raw, drawn: set[str]) -> tuple[str, ...]:
    changed = f"The code has changed since: [what]({FRONT}).\n" if raw.get("notes") else ""
    return f"# {page.title}\n", head(raw, page.sections), changed, *page.parts(raw, drawn)
