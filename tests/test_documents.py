"""The guide's Python and the examples do what they say: they are run."""

from __future__ import annotations

import ast
import re
import runpy
import shlex
import sys
import wsgiref.simple_server
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from ratelimit_ddb import Limit
from ratelimit_ddb.cli import main

ROOT = Path(__file__).parent.parent
GUIDE = sorted((ROOT / "docs" / "guide").glob("*.md"))
PAGES = [
    *sorted(ROOT.glob("*.md")),
    ROOT / "bench" / "README.md",
    ROOT / "bench" / "results" / "README.md",
    ROOT / "examples" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(
    r"`((?:ratelimit_ddb|sessions|ddbwire|demo|tests|bench|infra|examples|docs)/[\w./-]+\.\w+)`"
)
"""From the repository's folder, as pages name it."""
PIP = re.compile(r"pip install ([^`\n]+)")
FROM_ABOVE = re.compile(r"# From above: ([\w, ]+)\n")
COST = re.compile(r"^\$ ratelimit-ddb (cost [^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def run_each_example_alone(page: Path) -> None:
    """As a reader pastes it: with no names but those that it says are from above."""
    above: dict[str, object] = {}
    for block in PYTHON.findall(page.read_text(encoding="utf-8")):
        said = FROM_ABOVE.match(block)
        names = {name: above[name] for name in said[1].split(", ")} if said else {}
        exec(compile(block, page.name, "exec"), names)
        above |= names


@pytest.mark.parametrize("page", GUIDE, ids=lambda page: page.name)
def test_each_example_of_a_page_runs_alone_or_says_what_it_continues(page: Path) -> None:
    run_each_example_alone(page)


INSTALLED_BY = {
    "cryptography": "ratelimit-ddb[encryption]",
    "joserfc": "ratelimit-ddb[dbsc]",
    "moto": "moto[dynamodb]",
    "opentelemetry": "ratelimit-ddb[opentelemetry]",
    "ratelimit_ddb.django": "django",
    "ratelimit_ddb.fastapi": "fastapi",
    "ratelimit_ddb.flask": "flask",
    "ratelimit_ddb.opentelemetry": "ratelimit-ddb[opentelemetry]",
    "ratelimit_ddb.starlette": "starlette",
    "sessions.device_bound": "ratelimit-ddb[dbsc]",
    "sessions.django": "django",
    "sessions.flask": "flask",
    "werkzeug": "flask",
}
"""What brings a module, if pip's name for it is another one."""
WITH_THE_WHEEL = {"boto3", "botocore", "ratelimit_ddb", "sessions"}


@pytest.mark.parametrize("page", [ROOT / "README.md", *GUIDE], ids=lambda page: page.name)
def test_a_page_says_what_to_install_for_its_examples(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    needed: set[str] = set()
    for node in ast.walk(ast.parse("".join(PYTHON.findall(text)))):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for name in names:
            package = name.partition(".")[0]
            if name in INSTALLED_BY:
                needed.add(INSTALLED_BY[name])
            elif package not in WITH_THE_WHEEL and package not in sys.stdlib_module_names:
                needed.add(INSTALLED_BY.get(package, package))
    said = {name.strip("\"'") for line in PIP.findall(text) for name in line.split()}
    assert needed - said == set()


def test_the_readmes_python_runs_and_its_first_limit_denies_the_fourth_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served: list[Callable[..., Iterable[bytes]]] = []

    class Server:
        def __init__(self, _host: str, _port: int, app: Callable[..., Iterable[bytes]]) -> None:
            served.append(app)

        def serve_forever(self) -> None:
            pass

    monkeypatch.setattr(wsgiref.simple_server, "make_server", Server)
    run_each_example_alone(ROOT / "README.md")

    statuses: list[tuple[str, list[tuple[str, str]]]] = []
    for _ in range(4):
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "127.0.0.1"}
        served[0](environ, lambda status, fields, exc_info=None: statuses.append((status, fields)))
    assert [status for status, _ in statuses] == ["200 OK"] * 3 + ["429 Too Many Requests"]
    assert dict(statuses[3][1])["retry-after"] == "20"


def test_the_guide_shows_what_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    shown = COST.findall((ROOT / "docs" / "guide" / "cost.md").read_text(encoding="utf-8"))
    assert shown
    for command, told in shown:
        assert main(shlex.split(command)) == 0
        assert capsys.readouterr().out == told


def test_the_guide_shows_the_picture_that_the_command_draws(
    capsys: pytest.CaptureFixture[str],
) -> None:
    guide = ROOT / "docs" / "guide"
    *_, (command, _) = COST.findall((guide / "cost.md").read_text(encoding="utf-8"))

    assert main([*shlex.split(command), "--format", "svg"]) == 0

    assert capsys.readouterr().out == (guide / "cost.svg").read_text(encoding="utf-8")


def test_the_example_of_limited_functions(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "limited_functions.py"), run_name="__main__")
    assert capsys.readouterr().out.splitlines() == [
        "a code went to ada",
        "a code went to ada",
        "ada must wait 30 s",
        "a code went to grace",
        "EACH LETTER COSTS A TOKEN, ADA",
        "only 35 tokens are left",
    ]


def test_the_example_app_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RATE_LIMITS_TABLE", raising=False)
    assert callable(runpy.run_path(str(ROOT / "examples" / "asgi_app.py"))["app"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_that_the_site_has_each_page_in_its_navigation(page: Path) -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    assert re.search(rf"[-:] {re.escape(str(page.relative_to(ROOT)))}$", navigation, re.MULTILINE)


def test_that_the_limits_of_who_comes_from_another_limiter_can_be_parsed() -> None:
    page = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
    rows = page.partition("## Coming from another limiter")[2].partition("\n## ")[0]
    here = [row.split(" | ")[-1] for row in rows.splitlines() if row.startswith("| ")]
    limits = [text for cell in here for text in re.findall(r'"(\d[^"]*)"', cell)]
    assert len(limits) >= 8
    for limit in limits:
        Limit.parse(limit)


def test_the_comparison_is_with_the_versions_that_were_measured() -> None:
    page = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
    results = (ROOT / "bench" / "results" / "README.md").read_text(encoding="utf-8")
    measured = dict(re.findall(r"^\| ([\w-]+) \| (\d[\w.]*) \|$", results, re.MULTILINE))
    compared = ["zae-limiter", "limits", "pyrate-limiter", "flask-session", "starsessions"]
    for peer in compared:
        version = measured[peer]
        assert f"| {peer} {version} |" in page
        assert f" {peer} {version.rpartition('.')[0]} |" in page


def test_that_the_map_of_the_benchmarks_names_only_what_there_is() -> None:
    page = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+(?:/|\.py|\.json))`", page.partition("## Where to find what")[2])
    assert len(named) >= 20
    assert [name for name in named if not (ROOT / "bench" / name).exists()] == []


DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name)
def test_a_decision_says_its_problem_what_was_decided_and_what_it_costs(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    number, _, title = text.splitlines()[0].removeprefix("# ").partition(". ")
    index = (page.parent / "README.md").read_text(encoding="utf-8")
    assert f"| [{number}]({page.name}) | {title} |" in index
    places = [text.index(f"\n**{part}.**") for part in ("Problem", "Decision", "Cost")]
    assert places == sorted(places)
    assert len(text.partition("\n## ")[0].split()) <= 550  # a page


INCIDENTS = (ROOT / "docs" / "guide" / "incidents.md").read_text(encoding="utf-8")


def logged_at_warning_or_above() -> Iterable[str]:
    """Each message of ours, as it is in the code."""
    for package in ("ddbwire", "ratelimit_ddb", "sessions"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                message = node.args[0]
                logs = called in {"warning", "error", "exception", "critical", "_warn"}
                if logs and isinstance(message, ast.Constant) and isinstance(message.value, str):
                    yield message.value


def test_the_page_on_incidents_has_every_line_that_is_logged() -> None:
    table = INCIDENTS.partition("## Log lines")[2].partition("\n## ")[0]
    shown = set(re.findall(r"^\| `[\w.]+` \| `([^`]+)`", table, re.MULTILINE))
    logged = list(logged_at_warning_or_above())
    assert len(logged) >= 11
    assert [line for line in logged if not any(part in line for part in shown)] == []
    assert [part for part in shown if not any(part in line for line in logged)] == []


def test_the_page_on_incidents_has_every_alarm_that_the_module_makes() -> None:
    alarms = (ROOT / "infra" / "modules" / "dynamodb" / "alarms.tf").read_text(encoding="utf-8")
    metrics = set(re.findall(r'metric_name += "(\w+)"', alarms))
    of_directions = set(re.findall(r'"\$\{direction\}(\w+)"', alarms))
    metrics |= {way + name for name in of_directions for way in ("Read", "Write")}
    assert len(metrics) >= 6
    assert [metric for metric in sorted(metrics) if f"`{metric}`" not in INCIDENTS] == []


TODAYS = [page for page in PAGES if page.name != "CHANGELOG.md"]  # which names what is gone


@pytest.mark.parametrize("page", TODAYS, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_files_that_exist(page: Path) -> None:
    named = re.findall(FILE, page.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("drawn", ["", "-decision.svg", "-request.svg"])
def test_that_the_map_names_only_files_that_exist(drawn: str) -> None:
    page = ROOT / "docs" / f"architecture{drawn or '.md'}"
    named = set(re.findall(r"\b[a-z_]\w*(?:/\w+)*\.py\b", page.read_text(encoding="utf-8")))
    assert named
    below = [ROOT, *(ROOT / package for package in ("ratelimit_ddb", "sessions", "ddbwire"))]
    assert [name for name in sorted(named) if not any((up / name).is_file() for up in below)] == []


def test_that_every_folder_on_the_map_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    folders = re.findall(r"`((?:tests|docs)/[\w/]+)`", text)
    assert folders
    assert [name for name in folders if not (ROOT / name).exists()] == []
