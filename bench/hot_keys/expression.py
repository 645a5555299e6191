"""DynamoDB's condition and update expressions, as far as limiters use them, evaluated on a dict.

Written after the Developer Guide ("Condition and filter expressions, operators, and functions",
"Update expressions") alone, so that it can stand against what the limiter believes of them.
tests/bench/hot_keys compares it with DynamoDB Local.

    condition    a comparison, BETWEEN, attribute_exists(), attribute_not_exists(); AND, OR, NOT, ()
    update       SET with +, - and if_not_exists(); ADD of numbers; REMOVE

Numbers are integers. Paths are whole attributes, by their names or by ``#placeholders``.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Value = dict[str, Any]
"""As in a request: ``{"N": "1"}``."""
Item = dict[str, Value]

_TOKEN = re.compile(r"\s*([:#][A-Za-z0-9_]+|[A-Za-z_][A-Za-z0-9_]*|<>|<=|>=|[=<>()+,-])")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class InvalidExpression(Exception):
    """DynamoDB would refuse it, or it is of a kind that is not known here."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression is evaluated on.

    Attributes:
        item: the item before the request.
        names, values: what the placeholders stand for.
    """

    item: Mapping[str, Value]
    names: Mapping[str, str]
    values: Mapping[str, Value]

    def name(self, token: str) -> str:
        """The attribute that a path names."""
        return self.names[token] if token.startswith("#") else token


Condition = Callable[[Scope], bool]
Operand = Callable[[Scope], Value | None]
Change = Callable[[Scope, Item], None]


@functools.lru_cache(maxsize=1_024)
def condition(text: str) -> Condition:
    """Whether the item fulfils a ConditionExpression."""
    parser = _Parser(text)
    parsed = parser.either()
    parser.end()
    return parsed


@functools.lru_cache(maxsize=1_024)
def update(text: str) -> Callable[[Scope], Item]:
    """The item after an UpdateExpression."""
    changes = _Parser(text).clauses()

    def updated(scope: Scope) -> Item:
        after = dict(scope.item)
        for change in changes:
            change(scope, after)
        return after

    return updated


def number(value: Value | None) -> int:
    """The number that a value is.

    Raises:
        InvalidExpression: it is none, or is missing.
    """
    if value is None or "N" not in value:
        raise InvalidExpression(f"{value}: must be a number that is there")
    return int(value["N"])


class _Parser:
    """Makes functions of an expression, by recursive descent."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise InvalidExpression(f"{text!r}: not understood from {text[at:]!r} on")
            self._tokens.append(found[1])
            at = found.end()
        self._at = 0

    def either(self) -> Condition:
        parts = [self._both()]
        while self._next_is("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda scope: any(part(scope) for part in parts)

    def _both(self) -> Condition:
        parts = [self._negated()]
        while self._next_is("AND"):
            parts.append(self._negated())
        return parts[0] if len(parts) == 1 else lambda scope: all(part(scope) for part in parts)

    def _negated(self) -> Condition:
        if self._next_is("NOT"):
            negated = self._negated()
            return lambda scope: not negated(scope)
        if self._next_is("("):
            inner = self.either()
            self._expect(")")
            return inner
        token = self._take()
        if token in ("attribute_exists", "attribute_not_exists"):
            self._expect("(")
            path = self._take()
            self._expect(")")
            wanted = token == "attribute_exists"
            return lambda scope: (scope.name(path) in scope.item) is wanted
        return self._comparison(_operand(token))

    def _comparison(self, left: Operand) -> Condition:
        sign = self._take()
        if sign == "BETWEEN":
            least = _operand(self._take())
            self._expect("AND")
            most = _operand(self._take())
            return lambda scope: (
                _holds(operator.ge, left(scope), least(scope))
                and _holds(operator.le, left(scope), most(scope))
            )
        compare, right = _COMPARISONS.get(sign), _operand(self._take())
        if compare is None:
            raise InvalidExpression(f"{self._text!r}: {sign!r} is no comparison that is known here")
        return lambda scope: _holds(compare, left(scope), right(scope))

    def clauses(self) -> list[Change]:
        makers = {"SET": self._assignment, "ADD": self._addition, "REMOVE": self._removal}
        changes: list[Change] = []
        while self._at < len(self._tokens):
            keyword = self._take()
            if keyword not in makers:
                raise InvalidExpression(f"{self._text!r}: {keyword!r} is not known here")
            changes.append(makers[keyword]())
            while self._next_is(","):
                changes.append(makers[keyword]())
        return changes

    def _assignment(self) -> Change:
        path = self._take()
        self._expect("=")
        first, sign, second = self._term(), 1, None
        if self._next_is("+"):
            second = self._term()
        elif self._next_is("-"):
            sign, second = -1, self._term()

        def assign(scope: Scope, after: Item) -> None:
            value = first(scope)
            if second is not None:
                value = {"N": str(number(value) + sign * number(second(scope)))}
            if value is None:
                raise InvalidExpression(f"{self._text!r}: an attribute that is read is missing")
            after[scope.name(path)] = value

        return assign

    def _term(self) -> Operand:
        token = self._take()
        if token != "if_not_exists":
            return _operand(token)
        self._expect("(")
        path = _operand(self._take())
        self._expect(",")
        otherwise = self._term()
        self._expect(")")

        def term(scope: Scope) -> Value | None:
            value = path(scope)
            return otherwise(scope) if value is None else value

        return term

    def _addition(self) -> Change:
        path, operand = self._take(), _operand(self._take())

        def add(scope: Scope, after: Item) -> None:
            name = scope.name(path)
            before = scope.item.get(name, {"N": "0"})
            after[name] = {"N": str(number(before) + number(operand(scope)))}

        return add

    def _removal(self) -> Change:
        path = self._take()

        def remove(scope: Scope, after: Item) -> None:
            after.pop(scope.name(path), None)

        return remove

    def _take(self) -> str:
        if self._at == len(self._tokens):
            raise InvalidExpression(f"{self._text!r}: ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _next_is(self, token: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == token
        self._at += found
        return found

    def _expect(self, token: str) -> None:
        if not self._next_is(token):
            raise InvalidExpression(f"{self._text!r}: {token!r} was expected")

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise InvalidExpression(f"{self._text!r}: {self._tokens[self._at]!r} is left over")


def _operand(token: str) -> Operand:
    if token.startswith(":"):
        return lambda scope: scope.values[token]
    return lambda scope: scope.item.get(scope.name(token))


def _holds(compare: Callable[[Any, Any], bool], left: Value | None, right: Value | None) -> bool:
    """Of what is missing, or of another type, nothing holds but that it is not equal."""
    if left is None or right is None or left.keys() != right.keys():
        return compare is operator.ne
    if "N" in left:
        return compare(int(left["N"]), int(right["N"]))
    return compare(next(iter(left.values())), next(iter(right.values())))
