"""Operations as DynamoDB requests, and replies as results.

An item is ``key`` (the partition key), one ``fullAt:<limit>`` a limit in integer nanoseconds, now
and then a ``refunded:<limit>`` beside it, and ``expiresAt`` in epoch seconds (TTL): under 1 KB, so
a write is one capacity unit. Request bodies are templates, one for each combination of limits and
branches, that are filled with numbers, since this is the hot path. AWS: "UpdateItem",
"GetItem", "DeleteItem" in the API Reference.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii
from typing import Any

import ddbwire
from ratelimit_ddb.operations.operation import (
    ClockMoved,
    Delete,
    GiveBack,
    OperationResult,
    Read,
    Take,
)
from ratelimit_ddb.tuple_new import tuple_new

ATTRIBUTE = "fullAt:"
REFUNDED = "refunded:"

_CONDITIONAL = {
    # All, for the attributes that a write leaves as they are matter too: what was refunded, and
    # how long the item is kept.
    "ReturnValues": "ALL_NEW",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


class TableRequests:
    """The requests and replies of one table."""

    __slots__ = ("_fixed", "_is_of_the_wire")

    def __init__(self, table: str, *, report_capacity: bool, is_of_the_wire: bool) -> None:
        """``is_of_the_wire`` tells whether the operations' time is that of the wire's clock."""
        self._is_of_the_wire = is_of_the_wire
        fixed: dict[str, Any] = {"TableName": table}
        if report_capacity:
            fixed["ReturnConsumedCapacity"] = "TOTAL"
        self._fixed = tuple(fixed.items())

    def request(self, operation: Take | GiveBack | Read | Delete) -> ddbwire.DynamoDBRequest:
        """The request that carries an operation out."""
        match operation:
            case Take():
                return self._take(operation)
            case GiveBack():
                return self._give_back(operation)
            case Read(key, names):
                return ddbwire.DynamoDBRequest(
                    "GetItem", _read_template(self._fixed, names) % _quoted(key)
                )
            case Delete(key):
                return ddbwire.DynamoDBRequest(
                    "DeleteItem", _delete_template(self._fixed) % _quoted(key)
                )
        raise TypeError(
            f"operation {operation!r} must be one of ratelimit_ddb.operations.operation"
        )

    def _take(self, take: Take) -> ddbwire.DynamoDBRequest:
        numbers: list[int] = []
        now_ns = take.now_ns
        for idle, cost_ns, room_ns in zip(take.idle, take.cost_ns, take.room_ns, strict=True):
            if idle:
                numbers.append(now_ns + cost_ns)
            else:
                numbers += (cost_ns, now_ns + room_ns)
        template = _take_template(self._fixed, take.names, take.idle, take.extends)
        body = template % (_quoted(take.key), now_ns, take.expires_at_seconds, *numbers)
        # A repetition of a take that was applied takes more, never less: it can't over-admit.
        made_at_ns = now_ns if self._is_of_the_wire else None
        # Of a throttled key the caller is denied, and those who come next ask again.
        return ddbwire.DynamoDBRequest("UpdateItem", body, True, made_at_ns, False)

    def _give_back(self, give_back: GiveBack) -> ddbwire.DynamoDBRequest:
        key, names, amount_ns, least_ns, most_ns, before_ns, after_ns, now_ns = give_back
        numbers: list[int] = []
        forms = []
        for index, before in enumerate(before_ns):
            is_there, changes = before != 0, after_ns[index] != before
            forms.append((is_there, changes))
            numbers += (amount_ns[index], least_ns[index], most_ns[index])
            if is_there:
                numbers.append(before)
            if changes:
                numbers.append(after_ns[index])
        body = _give_back_template(self._fixed, names, tuple(forms)) % (_quoted(key), *numbers)
        # Given twice, it would admit more than the limit.
        made_at_ns = now_ns if self._is_of_the_wire else None
        return ddbwire.DynamoDBRequest("UpdateItem", body, False, made_at_ns)

    def result(
        self,
        operation: Take | GiveBack | Read | Delete,
        reply: dict[str, Any] | ddbwire.ConditionalCheckFailed | ddbwire.StaleTimestamp,
    ) -> OperationResult:
        """What a reply says of each ``fullAt`` that the operation named.

        Raises:
            ClockMoved: the operation's time is not the table's.
        """
        if isinstance(operation, Delete):
            return OperationResult(True, ())
        names = operation.names
        if isinstance(reply, ddbwire.ConditionalCheckFailed):
            return _result_of(False, reply.item or {}, names)
        if isinstance(reply, ddbwire.StaleTimestamp):
            raise ClockMoved(
                f"table {self._fixed[0][1]!r}: its clock turned out to be "
                f"{reply.behind_ns / 1e9:+.1f} s from the time that the request was made by"
            )
        shown = reply.get("Item", {}) if type(operation) is Read else reply["Attributes"]
        return _result_of(True, shown, names)


def _result_of(applied: bool, item: Mapping[str, Any], names: tuple[str, ...]) -> OperationResult:
    full_at_ns, refunded_ns = [], []
    for name in names:
        full_at = item.get(ATTRIBUTE + name)
        full_at_ns.append(None if full_at is None else int(full_at["N"]))
        refunded = item.get(REFUNDED + name)
        refunded_ns.append(0 if refunded is None else int(refunded["N"]))
    expires_at = item.get("expiresAt")
    expires_at_seconds = None if expires_at is None else int(expires_at["N"])
    return tuple_new(
        OperationResult, (applied, tuple(full_at_ns), None, expires_at_seconds, tuple(refunded_ns))
    )


def _quoted(text: str) -> bytes:
    return encode_basestring_ascii(text).encode()


@functools.lru_cache(maxsize=256)
def _take_template(
    fixed: tuple[tuple[str, Any], ...],
    names: tuple[str, ...],
    idle: tuple[bool, ...],
    extends: bool,
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
    if extends:
        changes.append("expiresAt = :t")
        conditions.append("(attribute_not_exists(expiresAt) OR expiresAt <= :t)")
    else:
        conditions.append("expiresAt >= :t")
    return _template(
        fixed,
        {
            "UpdateExpression": f"SET {', '.join(changes)}",
            "ConditionExpression": " AND ".join(conditions),
            **_CONDITIONAL,
        },
        names,
        [":n", ":t", *values],
    )


@functools.lru_cache(maxsize=64)
def _give_back_template(
    fixed: tuple[tuple[str, Any], ...],
    names: tuple[str, ...],
    forms: tuple[tuple[bool, bool], ...],
) -> bytes:
    """The body for limits whose ``refunded`` is there or not, and changes or not."""
    changes, conditions, values = [], [], []
    for i, (is_there, refunded_changes) in enumerate(forms):
        changes.append(f"#{i} = #{i} - :a{i}")
        conditions.append(f"#{i} BETWEEN :l{i} AND :m{i}")
        conditions.append(f"#r{i} = :b{i}" if is_there else f"attribute_not_exists(#r{i})")
        values += [f":a{i}", f":l{i}", f":m{i}"]
        if is_there:
            values.append(f":b{i}")
        if refunded_changes:
            changes.append(f"#r{i} = :r{i}")
            values.append(f":r{i}")
    expressions = {
        "UpdateExpression": f"SET {', '.join(changes)}",
        "ConditionExpression": " AND ".join(conditions),
        **_CONDITIONAL,
    }
    return _template(fixed, expressions, names, values, refunded=True)


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
    *,
    refunded: bool = False,
) -> bytes:
    """A body with ``%b`` where the quoted key goes, then ``%d`` for each value, in their order."""
    body: dict[str, Any] = {**dict(fixed), "Key": {"key": {"S": "<key>"}}}
    if values:
        body["ExpressionAttributeValues"] = {name: {"N": "<number>"} for name in values}
    if names:
        body["ExpressionAttributeNames"] = {
            f"#{index}": ATTRIBUTE + name for index, name in enumerate(names)
        }
        if refunded:
            of_refunds = {f"#r{index}": REFUNDED + name for index, name in enumerate(names)}
            body["ExpressionAttributeNames"] |= of_refunds
    text = json.dumps({**body, **expressions}, separators=(",", ":")).replace("%", "%%")
    return text.replace('"<key>"', "%b").replace("<number>", "%d").encode()
