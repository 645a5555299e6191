"""Operations as DynamoDB requests, and replies as results.

An item is its key (``item_keys.py``), one ``fullAt:<limit>`` a limit in integer nanoseconds, now
and then a ``refunded:<limit>`` beside it, ``writes`` and ``activeNs`` that count writes and
writers, ``leasedUntil`` in nanoseconds where the key was leased, and ``expiresAt`` in epoch seconds
(TTL): under 1 KB, so a write is one capacity unit. Request bodies are templates, one for each
combination of limits and branches, that are filled with numbers, since this is the hot path. AWS:
"UpdateItem", "GetItem", "DeleteItem" in the API Reference.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

import ddbwire
from ddbwire import DynamoDBRequest
from ddbwire.tuple_new import tuple_new
from ratelimit_ddb.operations.operation import (
    BLOCKED,
    ClockMoved,
    Delete,
    GiveBack,
    LimitsResult,
    OperationResult,
    Read,
    ReadLimits,
    Take,
    WriteLimits,
)
from ratelimit_ddb.operations.scan_operation import ScannedPage, ScanPage
from ratelimit_ddb.operations.slot_operation import (
    ReadSlots,
    ReleaseSlot,
    RenewSlot,
    SlotOperation,
    SlotsResult,
    TakeSlot,
)
from ratelimit_ddb.store.dynamodb.item_keys import ItemKeys
from ratelimit_ddb.store.dynamodb.limits_request import (
    CHANGED_AT,
    LIMITS,
    limits_request,
    limits_result,
)
from ratelimit_ddb.store.dynamodb.scan_request import scan_request, scan_result
from ratelimit_ddb.store.dynamodb.slot_request import slot_request, slots_result

ATTRIBUTE = "fullAt:"
REFUNDED = "refunded:"
WRITES = "writes"
ACTIVE_NS = "activeNs"
LEASED_UNTIL = "leasedUntil"
_BLOCKED = ATTRIBUTE + BLOCKED

ATTRIBUTES = frozenset({WRITES, ACTIVE_NS, LEASED_UNTIL, LIMITS, CHANGED_AT, "expiresAt"})
"""The attributes beside the key that have the same name in every item."""

KeyedOperation = (
    Take | GiveBack | Read | Delete | ReadLimits | WriteLimits | SlotOperation | ScanPage
)
"""The operations that are requests: all but ReadClock."""

_MOST = 10**38
"""Larger than any number that is written here, and still in the range of a float."""

_CONDITIONAL = {
    # All, for the attributes that a write leaves as they are matter too: what was refunded, and
    # how long the item is kept.
    "ReturnValues": "ALL_NEW",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


class TableRequests:
    """The requests and replies of one table."""

    __slots__ = ("_fixed", "_is_of_the_wire", "_key_json", "_keys")

    def __init__(
        self, table: str, keys: ItemKeys, *, report_capacity: bool, is_of_the_wire: bool
    ) -> None:
        """``is_of_the_wire`` is whether the operations' time is that of the wire's clock."""
        self._keys = keys
        self._key_json = keys.json_of
        self._is_of_the_wire = is_of_the_wire
        fixed: dict[str, Any] = {"TableName": table}
        if report_capacity:
            fixed["ReturnConsumedCapacity"] = "TOTAL"
        self._fixed = tuple(fixed.items())

    def request(self, operation: KeyedOperation) -> DynamoDBRequest:
        """The request that carries an operation out."""
        match operation:
            case Take():
                return self._take(operation)
            case GiveBack():
                return self._give_back(operation)
            case Read(key, names):
                return DynamoDBRequest(
                    "GetItem", _read_template(self._fixed, names) % self._key_json(key)
                )
            case Delete(key):
                return DynamoDBRequest(
                    "DeleteItem", _delete_template(self._fixed) % self._key_json(key)
                )
        return self._other_request(operation)

    def _other_request(
        self, operation: SlotOperation | ReadLimits | WriteLimits | ScanPage
    ) -> DynamoDBRequest:
        match operation:
            case TakeSlot() | RenewSlot() | ReleaseSlot() | ReadSlots():
                of_the_wire = self._is_of_the_wire
                return slot_request(self._fixed, self._keys, operation, is_of_the_wire=of_the_wire)
            case ReadLimits() | WriteLimits():
                return limits_request(self._fixed, self._keys, operation)
            case ScanPage():
                return scan_request(self._fixed, self._keys, operation)
        raise TypeError(
            f"operation {operation!r} must be one of ratelimit_ddb.operations.operation"
        )

    def _take(self, take: Take) -> DynamoDBRequest:
        key, names, idles, now_ns, bases_ns, costs_ns, rooms_ns, expires_at_seconds, extends, *_ = (
            take
        )
        numbers: list[int] = [expires_at_seconds]
        leased_until_ns = take.leased_until_ns
        if leased_until_ns:
            numbers.append(leased_until_ns)
        for index, base_ns in enumerate(bases_ns):
            if idles[index]:
                numbers += (base_ns, base_ns + costs_ns[index])
            else:
                numbers += (base_ns, costs_ns[index], base_ns + rooms_ns[index])
        template = _take_template(self._fixed, names, idles, extends, leased_until_ns != 0)
        body = template % (self._key_json(key), *numbers, take.writes, take.active_ns)
        # A repetition of a take that was applied takes more, never less: it can't over-admit.
        made_at_ns = now_ns if self._is_of_the_wire else None
        # Of a throttled key the caller is denied, and those who come next ask again.
        return tuple_new(DynamoDBRequest, ("UpdateItem", body, True, made_at_ns, False))

    def _give_back(self, give_back: GiveBack) -> DynamoDBRequest:
        key, names, amount_ns, least_ns, most_ns, before_ns, after_ns, now_ns, since_ns = give_back
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
        if since_ns is not None:
            numbers.append(since_ns)
        template = _give_back_template(self._fixed, names, tuple(forms), since_ns is not None)
        body = template % (self._key_json(key), *numbers)
        # Given twice, it would admit more than the limit.
        made_at_ns = now_ns if self._is_of_the_wire else None
        return DynamoDBRequest("UpdateItem", body, False, made_at_ns)

    def result(
        self,
        operation: KeyedOperation,
        reply: dict[str, Any] | ddbwire.ConditionalCheckFailed | ddbwire.StaleTimestamp,
    ) -> OperationResult | SlotsResult | LimitsResult | ScannedPage:
        """The result of an operation, by the reply to its request.

        Raises:
            ClockMoved: the operation's time is not the table's.
            ValueError: the reply does not show what was written.
        """
        if isinstance(operation, Take) and isinstance(reply, dict):
            taken = _result_of(True, reply["Attributes"], operation.names)
            if None in taken.full_at_ns:
                raise ValueError("it does not show what was written")
            return taken
        return self._other_result(operation, reply)

    def _other_result(
        self,
        operation: KeyedOperation,
        reply: dict[str, Any] | ddbwire.ConditionalCheckFailed | ddbwire.StaleTimestamp,
    ) -> OperationResult | SlotsResult | LimitsResult | ScannedPage:
        if isinstance(operation, Delete | WriteLimits):
            return OperationResult(True, ())
        if isinstance(operation, ReadLimits):
            return limits_result(reply)
        if isinstance(operation, ScanPage):
            return scan_result(reply, self._keys)
        if isinstance(reply, ddbwire.StaleTimestamp):
            raise ClockMoved(
                f"table {self._fixed[0][1]!r}: its clock turned out to be "
                f"{reply.behind_ns / 1e9:+.1f} s from the time that the request was made by"
            )
        if isinstance(operation, SlotOperation):
            return slots_result(operation, reply)
        names = operation.names
        if isinstance(reply, ddbwire.ConditionalCheckFailed):
            return _result_of(False, reply.item or {}, names)
        shown = reply.get("Item", {}) if type(operation) is Read else reply["Attributes"]
        return _result_of(True, shown, names)


def _result_of(applied: bool, item: Mapping[str, Any], names: tuple[str, ...]) -> OperationResult:
    full_at_ns, refunded_ns = [], []
    for name in names:
        full_at = item.get(ATTRIBUTE + name)
        full_ns = None if full_at is None else int(full_at["N"])
        if full_ns is not None and full_ns > _MOST:
            raise ValueError(f"{ATTRIBUTE}{name} is not a time in nanoseconds")
        full_at_ns.append(full_ns)
        refunded = item.get(REFUNDED + name)
        refunded_ns.append(0 if refunded is None else int(refunded["N"]))
    expires_at, writes, leased = item.get("expiresAt"), item.get(WRITES), item.get(LEASED_UNTIL)
    leased_until_ns = 0 if leased is None else int(leased["N"])
    if (block := item.get(_BLOCKED)) is not None:
        leased_until_ns = max(leased_until_ns, int(block["N"]))
    active = item.get(ACTIVE_NS)
    active_ns = 0 if active is None else int(active["N"])
    if active_ns > _MOST:
        raise ValueError(f"{ACTIVE_NS} is not a time in nanoseconds")
    return tuple_new(
        OperationResult,
        (
            applied,
            tuple(full_at_ns),
            None,
            None if expires_at is None else int(expires_at["N"]),
            tuple(refunded_ns),
            0 if writes is None else int(writes["N"]),
            leased_until_ns,
            active_ns,
        ),
    )


@functools.lru_cache(maxsize=256)
def _take_template(
    fixed: tuple[tuple[str, Any], ...],
    names: tuple[str, ...],
    idle: tuple[bool, ...],
    extends: bool,
    leases: bool,
) -> bytes:
    changes, conditions, values = [], [], [":t"]
    if leases:
        changes.append(f"{LEASED_UNTIL} = :e")
        values.append(":e")
    for i, is_idle in enumerate(idle):
        if is_idle:
            changes.append(f"#{i} = :i{i}")
            conditions.append(f"(attribute_not_exists(#{i}) OR #{i} < :n{i})")
            values += [f":n{i}", f":i{i}"]
        else:
            changes.append(f"#{i} = if_not_exists(#{i}, :n{i}) + :c{i}")
            conditions.append(f"(attribute_not_exists(#{i}) OR #{i} BETWEEN :n{i} AND :l{i})")
            values += [f":n{i}", f":c{i}", f":l{i}"]
    if extends:
        changes.append("expiresAt = :t")
        conditions.append("(attribute_not_exists(expiresAt) OR expiresAt <= :t)")
    else:
        conditions.append("expiresAt >= :t")
    return _template(
        fixed,
        {
            "UpdateExpression": f"SET {', '.join(changes)} ADD {WRITES} :w, {ACTIVE_NS} :a",
            "ConditionExpression": " AND ".join(conditions),
            **_CONDITIONAL,
        },
        names,
        [*values, ":w", ":a"],
    )


@functools.lru_cache(maxsize=64)
def _give_back_template(
    fixed: tuple[tuple[str, Any], ...],
    names: tuple[str, ...],
    forms: tuple[tuple[bool, bool], ...],
    is_unleased: bool,
) -> bytes:
    """The body. ``forms``: for each limit, whether ``refunded`` exists, and whether it changes."""
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
    of_block = {}
    if is_unleased:
        conditions.append(f"(attribute_not_exists({LEASED_UNTIL}) OR {LEASED_UNTIL} < :u)")
        conditions.append("(attribute_not_exists(#k) OR #k < :u)")
        values.append(":u")
        of_block = {"#k": _BLOCKED}
    expressions = {
        "UpdateExpression": f"SET {', '.join(changes)}",
        "ConditionExpression": " AND ".join(conditions),
        **_CONDITIONAL,
    }
    of_refunds = {f"#r{index}": REFUNDED + name for index, name in enumerate(names)}
    return _template(fixed, expressions, names, values, {**of_refunds, **of_block})


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
    others: Mapping[str, str] = {},
) -> bytes:
    """A body with ``%b`` where the ``Key`` goes, then ``%d`` for each value, in their order.

    ``others`` are names of attributes beside those of the limits, by what stands for them.
    """
    body: dict[str, Any] = {**dict(fixed), "Key": "<key>"}
    if values:
        body["ExpressionAttributeValues"] = {name: {"N": "<number>"} for name in values}
    if names:
        body["ExpressionAttributeNames"] = {
            **{f"#{index}": ATTRIBUTE + name for index, name in enumerate(names)},
            **others,
        }
    text = json.dumps({**body, **expressions}, separators=(",", ":")).replace("%", "%%")
    return text.replace('"<key>"', "%b").replace("<number>", "%d").encode()
