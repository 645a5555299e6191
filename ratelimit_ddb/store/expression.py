"""Operations as DynamoDB requests, and replies as outcomes.

An item is ``key`` (the partition key), one ``fullAt:<limit>`` a limit in integer nanoseconds, and
``expiresAt`` in epoch seconds (TTL): under 1 KB, so a write is one capacity unit. Request bodies
are templates made once a shape (which limits, which branches) and filled with numbers, for this is
the hot path. AWS: "UpdateItem", "GetItem", "DeleteItem" in the API Reference.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii
from typing import Any

import ddbwire
from ratelimit_ddb.operation import Delete, GiveBack, Outcome, Read, SetBack, Take

ATTRIBUTE = "fullAt:"

_CONDITIONAL = {
    "ReturnValues": "UPDATED_NEW",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


class Expressions:
    """The requests and replies of one table."""

    __slots__ = ("_fixed",)

    def __init__(self, table: str, *, report_capacity: bool) -> None:
        fixed: dict[str, Any] = {"TableName": table}
        if report_capacity:
            fixed["ReturnConsumedCapacity"] = "TOTAL"
        self._fixed = tuple(fixed.items())

    def request(self, operation: Take | GiveBack | SetBack | Read | Delete) -> ddbwire.Operation:
        """The request that carries an operation out."""
        match operation:
            case Take():
                return self._take(operation)
            case GiveBack(key, names, now_ns, cost_ns):
                body = _give_back_template(self._fixed, names) % (_quoted(key), now_ns, *cost_ns)
                return ddbwire.Operation("UpdateItem", body, repeatable=False)
            case SetBack(key, name, seen_ns, full_at_ns):
                body = _set_back_template(self._fixed, name) % (_quoted(key), seen_ns, full_at_ns)
                return ddbwire.Operation("UpdateItem", body)
            case Read(key, names):
                return ddbwire.Operation(
                    "GetItem", _read_template(self._fixed, names) % _quoted(key)
                )
            case Delete(key):
                return ddbwire.Operation("DeleteItem", _delete_template(self._fixed) % _quoted(key))
        raise TypeError(f"operation {operation!r} must be one of ratelimit_ddb.operation")

    def _take(self, take: Take) -> ddbwire.Operation:
        numbers: list[int] = []
        now_ns = take.now_ns
        for idle, cost_ns, room_ns in zip(take.idle, take.cost_ns, take.room_ns, strict=True):
            if idle:
                numbers.append(now_ns + cost_ns)
            else:
                numbers += (cost_ns, now_ns + room_ns)
        template = _take_template(self._fixed, take.names, take.idle)
        body = template % (_quoted(take.key), now_ns, take.expires_at_seconds, *numbers)
        # A repetition of a take that was applied takes more, never less: it can't over-admit.
        return ddbwire.Operation("UpdateItem", body)

    def outcome(
        self,
        operation: Take | GiveBack | SetBack | Read | Delete,
        reply: dict[str, Any] | ddbwire.Refused,
    ) -> Outcome:
        """What a reply says of each ``fullAt`` that the operation named."""
        match operation:
            case Delete():
                return Outcome(True, ())
            case SetBack(name=name):
                names: tuple[str, ...] = (name,)
            case _:
                names = operation.names
        if isinstance(reply, ddbwire.Refused):
            return Outcome(False, _full_at_ns(reply.item or {}, names))
        shown = reply.get("Item", {}) if type(operation) is Read else reply["Attributes"]
        return Outcome(True, _full_at_ns(shown, names))


def _full_at_ns(item: Mapping[str, Any], names: tuple[str, ...]) -> tuple[int | None, ...]:
    found = [item.get(ATTRIBUTE + name) for name in names]
    return tuple([None if number is None else int(number["N"]) for number in found])


def _quoted(text: str) -> bytes:
    return encode_basestring_ascii(text).encode()


@functools.lru_cache(maxsize=256)
def _take_template(
    fixed: tuple[tuple[str, Any], ...], names: tuple[str, ...], idle: tuple[bool, ...]
) -> bytes:
    changes, conditions, values = [], [], []
    for index, is_idle in enumerate(idle):
        if is_idle:
            changes.append(f"#{index} = :i{index}")
            conditions.append(f"(attribute_not_exists(#{index}) OR #{index} < :n)")
            values.append(f":i{index}")
        else:
            changes.append(f"#{index} = if_not_exists(#{index}, :n) + :c{index}")
            conditions.append(
                f"(attribute_not_exists(#{index}) OR #{index} BETWEEN :n AND :l{index})"
            )
            values += [f":c{index}", f":l{index}"]
    return _template(
        fixed,
        {
            "UpdateExpression": f"SET {', '.join(changes)}, expiresAt = :t",
            "ConditionExpression": " AND ".join(conditions),
            **_CONDITIONAL,
        },
        names,
        [":n", ":t", *values],
    )


@functools.lru_cache(maxsize=64)
def _give_back_template(fixed: tuple[tuple[str, Any], ...], names: tuple[str, ...]) -> bytes:
    indexes = range(len(names))
    return _template(
        fixed,
        {
            "UpdateExpression": "SET " + ", ".join(f"#{i} = #{i} - :c{i}" for i in indexes),
            "ConditionExpression": " AND ".join(f"#{i} > :n" for i in indexes),
            **_CONDITIONAL,
        },
        names,
        [":n", *(f":c{i}" for i in indexes)],
    )


@functools.lru_cache(maxsize=64)
def _set_back_template(fixed: tuple[tuple[str, Any], ...], name: str) -> bytes:
    expressions = {
        "UpdateExpression": "SET #0 = :f",
        "ConditionExpression": "#0 = :s",
        **_CONDITIONAL,
    }
    return _template(fixed, expressions, (name,), [":s", ":f"])


@functools.lru_cache(maxsize=64)
def _read_template(fixed: tuple[tuple[str, Any], ...], names: tuple[str, ...]) -> bytes:
    expressions = {
        "ProjectionExpression": ", ".join(f"#{i}" for i in range(len(names))),
        "ConsistentRead": True,
    }
    return _template(fixed, expressions, names, [])


@functools.lru_cache(maxsize=64)
def _delete_template(fixed: tuple[tuple[str, Any], ...]) -> bytes:
    return _template(fixed, {}, (), [])


def _template(
    fixed: tuple[tuple[str, Any], ...],
    expressions: dict[str, Any],
    names: tuple[str, ...],
    values: list[str],
) -> bytes:
    """A body with ``%b`` where the quoted key goes, then ``%d`` for each value, in their order."""
    body: dict[str, Any] = {**dict(fixed), "Key": {"key": {"S": "<key>"}}}
    if values:
        body["ExpressionAttributeValues"] = {name: {"N": "<number>"} for name in values}
    if names:
        body["ExpressionAttributeNames"] = {
            f"#{index}": ATTRIBUTE + name for index, name in enumerate(names)
        }
    text = json.dumps({**body, **expressions}, separators=(",", ":")).replace("%", "%%")
    return text.replace('"<key>"', "%b").replace("<number>", "%d").encode()
