"""Parses a rules file: TOML to Rules, or an error that lists the mistakes of all rules.

    rules = 1

    [[rule]]
    path = "/login"
    limits = "5/minute"
    by = { header = "x-api-key", otherwise = "everyone" }

``rules`` is the number of rules. It is optional, but without it a file that was truncated after a
rule is accepted. examples/rules.toml has all the keys. Source of the syntax: TOML 1.0.0.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

from ratelimit_ddb.web.rules.rule import Rule
from ratelimit_ddb.web.rules.rule_set import require_names
from ratelimit_ddb.web.rules.rule_table import Functions, InvalidRule, rule_of
from ratelimit_ddb.web.rules.toml_lines import HEADER, lines_of

_COUNT = "rules"
"""The top-level key with the number of rules."""

_AT_LINE = re.compile(r"\(at line ([0-9]+), column [0-9]+\)")


class RulesError(ValueError):
    """A rules file is invalid. The message has a line for each mistake, at most one for each rule.

    Attributes:
        path: the path of the file, as given.
        line: the line of the first mistake, from 1; None if not known.
        rule: the name of the rule with the first mistake, or ``"rule 3"`` if it has no name; None
            for a mistake outside of rules.
    """

    def __init__(
        self, message: str, *, path: str = "", line: int | None = None, rule: str | None = None
    ) -> None:
        super().__init__(message)
        self.path = path
        self.line = line
        self.rule = rule


def rules_of_toml(content: bytes, path: str, functions: Functions) -> tuple[Rule, ...]:
    """The rules in a file's content.

    Args:
        content: the content of the file.
        path: the path of the file, for messages.
        functions: the functions that the file may refer to, by name.

    Raises:
        RulesError: the content is not TOML in UTF-8, or a rule is invalid.
    """
    text = _text(content, path)
    document = _document(text, path)
    tables = _tables(document)
    mistakes = list(_too_large_integers(document, tables))
    if mistakes:  # before any other, whose message can't have an int of more than 4,300 digits
        raise _error(path, _with_lines(mistakes, text, len(tables)))
    mistakes = list(_mistakes_outside(document))
    rules: dict[str, Rule] = {}
    for number, table in enumerate(tables, 1):
        try:
            _add(rule_of(table, functions), rules)
        except InvalidRule as refused:
            mistakes.append(_Mistake(str(refused), refused.key, number, _name(table)))
    if mistakes:
        raise _error(path, _with_lines(mistakes, text, len(tables)))
    return tuple(rules.values())


class _Mistake(NamedTuple):
    """What is wrong, the key (None: the whole rule), the rule's number and name, and the line."""

    what: str
    key: str | None = None
    number: int | None = None
    name: str | None = None
    line: int | None = None

    @property
    def rule(self) -> str | None:
        return f"rule {self.number}" if self.number and self.name is None else self.name

    def message(self, path: str) -> str:
        where = path if self.line is None else f"{path}:{self.line}"
        if self.number is None:
            return f"{where}: {self.what}"
        rule = f"rule {self.number}" if self.name is None else f"rule {self.name!r}"
        return f"{where}: {rule}: {self.what}"


def _error(path: str, mistakes: list[_Mistake]) -> RulesError:
    message = "\n".join([mistake.message(path) for mistake in mistakes])
    return RulesError(message, path=path, line=mistakes[0].line, rule=mistakes[0].rule)


def _text(content: bytes, path: str) -> str:
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        what = f"byte {content[error.start]:#04x} is not UTF-8, which TOML is written in"
        line = content.count(b"\n", 0, error.start) + 1
        raise _error(path, [_Mistake(what, line=line)]) from None


def _document(text: str, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _error(path, [_Mistake("values are nested too deep")]) from None
    except ValueError as error:
        raise _error(path, [_Mistake(f"not TOML: {error}", line=_line(error, text))]) from None


def _line(error: ValueError, text: str) -> int | None:
    # It is in the message in every version of Python, and an attribute only since 3.14.
    found = _AT_LINE.search(str(error))
    if found:
        return int(found[1])
    return text.rstrip().count("\n") + 1 if "end of document" in str(error) else None


def _too_large_integers(document: dict[str, Any], tables: list[Any]) -> Iterator[_Mistake]:
    """Integers of more than 64 bits, which tomllib accepts and TOML 1.0.0 does not."""
    what = "an integer must fit in 64 bits"
    for key, value in document.items():
        if value is not tables and _has_large_integer(value):
            yield _Mistake(what, key)
    for number, table in enumerate(tables, 1):
        if _has_large_integer(table):
            pairs = table.items() if isinstance(table, dict) else ()
            of = next((key for key, value in pairs if _has_large_integer(value)), None)
            yield _Mistake(what, of, number, _name(table))


def _has_large_integer(value: object) -> bool:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, int) and not -(2**63) <= one < 2**63:
            return True
    return False


def _mistakes_outside(document: dict[str, Any]) -> Iterator[_Mistake]:
    for key in document:
        if key not in ("rule", _COUNT):
            yield _Mistake(
                f"unknown key {key!r}; outside of rules there may be only [[rule]] and {_COUNT}",
                key,
            )
    if isinstance(document.get(_COUNT), list | dict):
        yield _Mistake("rules: each rule begins with [[rule]], in the singular", _COUNT)
    elif not isinstance(document.get("rule", []), list):
        yield _Mistake("rule: each rule begins with [[rule]], in double brackets", "rule")
    elif not document.get("rule"):
        yield _Mistake("no rules: the file must have at least one [[rule]]")
    elif _COUNT in document:
        yield from _miscounted(document[_COUNT], len(document["rule"]))


def _miscounted(count: object, rules: int) -> Iterator[_Mistake]:
    if type(count) is not int:
        yield _Mistake(f"{_COUNT} {count!r}: must be the number of the file's rules", _COUNT)
    elif count > rules:
        yield _Mistake(
            f"{_COUNT} = {count}: there are {rules}, so the file may be cut off; "
            f"otherwise write {_COUNT} = {rules}",
            _COUNT,
        )
    elif count < rules:
        yield _Mistake(f"{_COUNT} = {count}: there are {rules}; write {_COUNT} = {rules}", _COUNT)


def _tables(document: dict[str, Any]) -> list[Any]:
    found = document.get("rule")
    return found if isinstance(found, list) else []


def _add(rule: Rule, rules: dict[str, Rule]) -> None:
    if rule.name in rules:
        try:
            require_names((rules[rule.name], rule))
        except ValueError as error:
            raise InvalidRule(str(error), "name") from None
    rules[rule.name] = rule


def _name(table: object) -> str | None:
    name = table.get("name") if isinstance(table, dict) else None
    return name if isinstance(name, str) and name else None


def _with_lines(mistakes: list[_Mistake], text: str, rules: int) -> list[_Mistake]:
    """The mistakes with their lines, as far as these are certain."""
    lines = lines_of(text)
    placed = []
    for mistake in mistakes:
        line = None if mistake.key is None else lines.outside.get(mistake.key)
        if mistake.number is not None:
            line = None
            if len(lines.rules) == rules:
                of_keys = lines.rules[mistake.number - 1]
                line = of_keys.get(mistake.key or HEADER, of_keys[HEADER])
        placed.append(mistake._replace(line=line))
    return placed
