"""Rules as TOML: from a file's content to Rules, or to an error that tells every rule's mistake.

    rules = 1

    [[rule]]
    path = "/login"
    limits = "5/minute"
    by = { header = "x-api-key", otherwise = "everyone" }

``rules`` is how many there are; it may be left out, but then a file that was cut off at the end of
a rule can't be told from a whole one. examples/rules.toml has all the keys. Source of the syntax:
TOML 1.0.0.
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
"""The key outside of rules that says how many they are."""

_AT_LINE = re.compile(r"\(at line ([0-9]+), column [0-9]+\)")


class RulesError(ValueError):
    """A rules file that can't hold. The message has a line for each mistake, at most one a rule.

    Attributes:
        path: the file's, as it was given.
        line: the line of the first mistake, from 1; None where it can't be told.
        rule: the name of the rule with the first mistake, or ``"rule 3"`` where it has none; None
            for a mistake that is no rule's.
    """

    def __init__(
        self, message: str, *, path: str = "", line: int | None = None, rule: str | None = None
    ) -> None:
        super().__init__(message)
        self.path = path
        self.line = line
        self.rule = rule


def rules_of_toml(content: bytes, path: str, functions: Functions) -> tuple[Rule, ...]:
    """The rules that a file's content means.

    Args:
        content: what is in the file.
        path: the file's, for messages.
        functions: by name, those that the file may refer to.

    Raises:
        RulesError: it is no TOML in UTF-8, or a rule is invalid.
    """
    text = _text(content, path)
    document = _document(text, path)
    tables = _tables(document)
    mistakes = list(_too_large_integers(document, tables))
    if mistakes:  # at once: Python writes none of more than 4,300 digits, in a message for one
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
    """What is wrong, with which key (None: with the whole), of which rule, on which line."""

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
    # In every version of Python it is in the message, though only since 3.14 an attribute.
    found = _AT_LINE.search(str(error))
    if found:
        return int(found[1])
    return text.rstrip().count("\n") + 1 if "end of document" in str(error) else None


def _too_large_integers(document: dict[str, Any], tables: list[Any]) -> Iterator[_Mistake]:
    """Integers of more than 64 bits, which Python's reader takes and TOML 1.0.0 does not."""
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
                f"key {key!r}: outside of rules there is nothing but [[rule]] and {_COUNT}", key
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
    """The mistakes with their lines, where these can be told for certain."""
    lines = lines_of(text)
    placed = []
    for mistake in mistakes:
        line = lines.outside.get(mistake.key or "")
        if mistake.number is not None:
            line = None
            if len(lines.rules) == rules:
                of_keys = lines.rules[mistake.number - 1]
                line = of_keys.get(mistake.key or HEADER, of_keys[HEADER])
        placed.append(mistake._replace(line=line))
    return placed
