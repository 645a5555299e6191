"""docs/reference.md names everything public as the code has it: names, parameters, defaults.

A section is about the modules that its heading names. What is written as a call, ``name(a, *,
b=1)``, has the parameters and defaults of the code's; ``...`` at its end stands for the options of
a table, and alone for the parameters of the call written before it. What is public and not for
users is named here, so that a new name is either in the reference or on purpose not.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, is_typeddict

import pytest

from demo.arguments import parser as demo
from ratelimit_ddb.bucket.decision import Source
from ratelimit_ddb.cli.arguments import parser as ratelimit_ddb
from ratelimit_ddb.outage import OnOutage
from ratelimit_ddb.web import DEFAULTS, GateOptions, ViewOptions
from ratelimit_ddb.web.response.fields import FieldStyle
from ratelimit_ddb.web.rules.rule import Scope
from sessions import DEFAULTS as DEFAULTS_OF_SESSIONS
from sessions import SessionOptions
from sessions.cli.arguments import parser as ddb_sessions
from sessions.config.options import OnRevoked
from sessions.cookie.cookie import SameSite
from sessions.event import EventName
from tests.reference_page import NO_DEFAULT, Call, Parameter, Row, Section, literal, sections

ROOT = Path(__file__).parent.parent
PACKAGES = ("ratelimit_ddb", "sessions")
SECTIONS = sections()

MODULES = (
    "ratelimit_ddb",
    "ratelimit_ddb.asgi",
    "ratelimit_ddb.wsgi",
    "ratelimit_ddb.web",
    "ratelimit_ddb.starlette",
    "ratelimit_ddb.fastapi",
    "ratelimit_ddb.flask",
    "ratelimit_ddb.django",
    "ratelimit_ddb.opentelemetry",
    "ratelimit_ddb.log",
    "sessions",
    "sessions.asgi",
    "sessions.wsgi",
    "sessions.flask",
    "sessions.starlette",
    "sessions.previous",
    "sessions.device_bound",
    "sessions.testing",
    "sessions.django",
    "ddbwire",
)

FOR_USERS_OF_THE_WIRE = {"AnsweredCall"}
"""What they meet in ``on_call``; the other names of ddbwire are for the two packages."""
MEMBERS_NOT_FOR_USERS = {
    "AnsweredCall": {"of"},
    "MemoryStore": {"after_fork_in_child"},
    "MemorySessionStore": {"after_fork_in_child"},
    "RulesFile": {"after_fork_in_child"},
    "Cookie": {"set_to", "cleared", "values_in", "attributes", "place"},
    # What the sessions ask it.
    "DeviceBound": {
        "asgi_endpoints",
        "bound_cookie",
        "endpoint_cookie",
        "offer",
        "proof",
        "require_cookie",
        "settings",
        "wsgi_endpoints",
    },
    "SingleTable": {"key", "schema", "values"},
    "Rule": {"fits", "fits_below_mounts", "functions", "matches", "pattern_of", "patterns"},
    "Request": {"fields_of", "fields_alike"},
    "RequestReservation": {"add", "end", "end_async"},
    "Verdict": {"charges"},
    # In Flask what its interface calls.
    "FlaskSession": {
        "end_failed",
        "end_response",
        "start_response",
    },
}
NOT_MADE_BY_USERS = {"AnsweredCall", "AsyncSlot", "Slot", "FlaskSession", "Session", "SessionInfo"}
DJANGOS_AND_FLASKS = {
    "SessionInterface",
    "SessionStore",
    "SessionMiddleware",
    "RateLimitMiddleware",
}
"""Classes that are called by a framework, whose members its own reference documents."""


def public(module: str) -> dict[str, Any]:
    there = importlib.import_module(module)
    names = FOR_USERS_OF_THE_WIRE if module == "ddbwire" else there.__all__
    return {name: getattr(there, name) for name in names}


PUBLIC_CLASSES = {
    value for module in MODULES for value in public(module).values() if isinstance(value, type)
}


def section_about(module: str) -> Section:
    found = [section for section in SECTIONS if module in section.about]
    assert len(found) == 1, f"reference.md needs one section about {module}"
    return found[0]


def is_of_one(public_bases: list[type], base: type) -> bool:
    """Whether a public class is, or inherits, this one."""
    return any(issubclass(each, base) for each in public_bases)


def members(kind: type) -> dict[str, Any]:
    """The public ones that these packages define, but for those of a base that is public itself."""
    ours = [
        base for base in kind.__mro__ if base.__module__.split(".")[0] in (*PACKAGES, "ddbwire")
    ]
    public_bases = [base for base in ours[1:] if base in PUBLIC_CLASSES]
    of_others = {name for base in ours[1:] if is_of_one(public_bases, base) for name in vars(base)}
    hidden = {name for base in ours for name in MEMBERS_NOT_FOR_USERS.get(base.__name__, ())}
    return {
        name: member
        for base in reversed(ours)
        for name, member in vars(base).items()
        if not name.startswith("_") and name not in hidden | of_others
    }


def is_namesake(name: str, names: set[str]) -> bool:
    """Whether it is another's for event loops: ``check_async``, ``aclose``, ``asessions_of``."""
    return name.removesuffix("_async") in names or (name[:1] == "a" and name[1:] in names)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_that_says_what_is_public_is_in_the_reference(package: str) -> None:
    root = importlib.import_module(package)
    for found in pkgutil.walk_packages(root.__path__, f"{package}."):
        if found.name.endswith("__main__"):
            continue
        names = getattr(importlib.import_module(found.name), "__all__", None)
        passed_on = names is not None and set(names) <= set(root.__all__)
        assert names is None or passed_on or found.name in MODULES, found.name


@pytest.mark.parametrize("module", MODULES)
def test_the_site_has_a_page_for_every_module(module: str) -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    page = f"docs/api/{module if module != 'ddbwire' else 'ddbwire.AnsweredCall'}.md\n"
    assert page in navigation


@pytest.mark.parametrize("module", MODULES)
def test_no_public_name_is_that_of_a_module_beside_it(module: str) -> None:
    # Both are attributes of the package: which one is met goes by what was imported last, and the
    # docs site shows the module, which has nothing to show.
    found = importlib.import_module(module)
    modules = {one.name for one in pkgutil.iter_modules(getattr(found, "__path__", ()))}
    assert modules.isdisjoint(found.__all__)


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_has_every_public_name(module: str) -> None:
    named = section_about(module).names
    assert set(public(module)) - named == set()
    if module in PACKAGES:
        assert "__version__" in named


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_has_every_member(module: str) -> None:
    section = section_about(module)
    named = section.names
    for call in section.calls():
        named |= {parameter.name for parameter in call.parameters or ()}
    for name, value in public(module).items():
        if isinstance(value, type) and name not in DJANGOS_AND_FLASKS:
            missing = {each for each in members(value) if not is_namesake(each, named)} - named
            assert missing == set(), f"members of {name}"


def parameters_of(function: Callable[..., Any]) -> Call:
    """As the page would have it."""
    given = [
        each for each in inspect.signature(function).parameters.values() if each.name != "self"
    ]
    own = [each for each in given if each.kind is not inspect.Parameter.VAR_KEYWORD]
    for options in (GateOptions, ViewOptions, SessionOptions):
        count = len(options.__annotations__)
        if [each.name for each in own[-count:]] == list(options.__annotations__):
            own = own[:-count]
    return Call(
        function.__name__,
        tuple(
            Parameter(
                each.name,
                each.kind is inspect.Parameter.KEYWORD_ONLY,
                NO_DEFAULT if each.default is inspect.Parameter.empty else written(each.default),
            )
            for each in own
        ),
        more=len(own) < len(given),
    )


def written(default: Any) -> Any:
    """A default as the page has it: a literal's value; the dotted name of a function."""
    if callable(default):
        return f"{default.__module__}.{default.__name__}"
    return dict(default) if isinstance(default, Mapping) else default


def callables(module: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """What users call, by its name: functions, classes that they make, methods."""
    for name, value in public(module).items():
        if inspect.isfunction(value) and value.__module__ == module_of(value, module):
            yield name, value
        if not inspect.isclass(value):
            continue
        if is_made_by_users(name, value) and value.__module__ == module_of(value, module):
            yield name, value
        if name not in DJANGOS_AND_FLASKS:
            for each, member in members(value).items():
                inner = getattr(member, "__func__", member)
                if inspect.isfunction(inner):
                    yield each, getattr(value, each) if inner is not member else inner


def module_of(value: Any, module: str) -> str:
    """Where a value is documented: its own module's section, if it has one; or this one."""
    own: str = value.__module__
    return own if own == module or own not in MODULES else ""


def is_made_by_users(name: str, kind: type) -> bool:
    is_value = hasattr(kind, "_fields") or issubclass(kind, BaseException) or is_typeddict(kind)
    given = is_value or getattr(kind, "_is_protocol", False) or name in NOT_MADE_BY_USERS
    return not given and not (name in DJANGOS_AND_FLASKS and ".django" in kind.__module__)


def written_calls(section: Section) -> dict[str, list[Call]]:
    """The section's calls by name, with ``name(...)`` filled in."""
    calls: dict[str, list[Call]] = {}
    before: Call | None = None
    for written_call in section.calls():
        call = written_call
        if call.parameters is None:
            assert before is not None, f"{call.name}(...): as which?"
            call = before._replace(name=call.name)
        calls.setdefault(call.name, []).append(call)
        before = call
    return calls


def same(one: Call, other: Call) -> bool:
    return (
        one.more == other.more
        and one.parameters == other.parameters
        # 5 is no 5.0 to a reader, nor is 1 True.
        and [type(each.default) for each in one.parameters or ()]
        == [type(each.default) for each in other.parameters or ()]
    )


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_has_the_parameters_and_defaults_of_what_users_call(module: str) -> None:
    section = section_about(module)
    calls = written_calls(section)
    for name, function in callables(module):
        if name not in calls and is_namesake(name, section.names):
            continue
        expected = parameters_of(function)._replace(name=name)
        assert any(same(expected, call) for call in calls.get(name, [])), (
            f"reference.md on {module} needs {expected}, and has {calls.get(name)}"
        )


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: " ".join(section.about))
def test_the_reference_has_no_call_that_the_code_has_not(section: Section) -> None:
    modules = [about for about in section.about if about in MODULES]
    known: dict[str, list[Call]] = {}
    for module in modules:
        for value in public(module).values():
            if inspect.isfunction(value) or inspect.isclass(value):
                known.setdefault(value.__name__, []).append(_parameters_or_none(value))
        for name, function in callables(module):
            known.setdefault(name, []).append(parameters_of(function)._replace(name=name))
    for name, calls in written_calls(section).items():
        for call in calls:
            assert any(same(call, each) for each in known.get(name, ())), call


def _parameters_or_none(value: Any) -> Call:
    try:
        return parameters_of(value)
    except ValueError:  # an exception's
        return Call(value.__name__, (), more=False)


CHOICES = (Source, OnOutage, FieldStyle, Scope, SameSite, OnRevoked, EventName)


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_the_reference_has_every_value_that_is_one_of_several(choice: Any) -> None:
    text = "".join(section.text for section in SECTIONS)
    for value in get_args(choice):
        assert f'"{value}"' in text, value


# Options


def options_in_the_reference(kind: Any) -> dict[str, Row]:
    mark = f"(`{kind.__name__}`)"
    (section,) = [section for section in SECTIONS if mark in section.text]
    return {option: row for row in section.options_after(mark) for option in row.options}


@pytest.mark.parametrize("kind", [GateOptions, ViewOptions, SessionOptions])
def test_the_reference_has_every_option(kind: Any) -> None:
    assert set(options_in_the_reference(kind)) == set(kind.__annotations__)


@pytest.mark.parametrize(
    ("kind", "defaults"),
    [(GateOptions, DEFAULTS), (ViewOptions, DEFAULTS), (SessionOptions, DEFAULTS_OF_SESSIONS)],
    ids=["GateOptions", "ViewOptions", "SessionOptions"],
)
def test_the_reference_has_the_default_of_every_option(
    kind: Any, defaults: Mapping[str, Any]
) -> None:
    stated = {name: literal(row.default) for name, row in options_in_the_reference(kind).items()}
    assert stated == {name: defaults[name] for name in kind.__annotations__}


# The command line


def options_of(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if action.option_strings and action.dest not in ("help", "version"):
            yield action


def commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Those that do something, by what is typed."""

    def below(typed: str, parser: argparse.ArgumentParser) -> Iterator[Any]:
        subcommands = [each for each in parser._actions if each.choices and not each.option_strings]
        if not subcommands:
            yield typed, parser
        for action in subcommands:
            for name, one in dict(action.choices or {}).items():
                yield from below(f"{typed} {name}", one)

    yield from below("ratelimit-ddb", ratelimit_ddb())
    yield from below("ddb-sessions", ddb_sessions())
    yield "python -m demo", demo()


@pytest.mark.parametrize(("typed", "parser"), list(commands()), ids=lambda value: str(value)[:40])
def test_the_reference_has_every_option_of_a_command(
    typed: str, parser: argparse.ArgumentParser
) -> None:
    section = section_about(typed if typed.startswith("python") else typed.split(maxsplit=1)[0])
    rows = section.options_after(f"`{typed}`")
    documented = {span.split()[0]: row for row in rows for span in row.options}
    actions = {action.option_strings[0]: action for action in options_of(parser)}
    assert documented.keys() == actions.keys()
    for option, action in actions.items():
        stated = documented[option].default
        default = None if action.default is False or action.default == [] else action.default
        assert (literal(stated) if stated else None) == default, option
        takes = [
            span.split()[1:] for span in documented[option].options if span.split()[0] == option
        ]
        takes_value = [] if action.nargs == 0 else [action.metavar or action.dest.upper()]
        assert takes == [takes_value] or action.choices, option
