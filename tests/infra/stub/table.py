"""How the AWS provider plans and applies ``aws_dynamodb_table``, and what DynamoDB refuses then.

The sources are the provider's ``internal/service/dynamodb/table.go`` (the schema, CustomizeDiff,
``resourceTableUpdate`` and ``updateReplica``: what is sent, and in which order) and the answers of
DynamoDB that its issues quote.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

State = dict[str, Any]

# Blocks that are Optional and Computed: one that is left out is no change.
_KEPT_BLOCKS = (
    "global_table_witness",
    "point_in_time_recovery",
    "server_side_encryption",
    "ttl",
    "warm_throughput",
)
_STRONG = "STRONG"
# Its days are Optional and Computed, too.
_RECOVERY, _DAYS = "point_in_time_recovery", "recovery_period_in_days"


class Refused(Exception):
    """DynamoDB refuses a request; the message is its answer.

    Attributes:
        state: the table as it is then; None where there is none.
    """

    def __init__(self, answer: str, state: State | None) -> None:
        super().__init__(answer)
        self.state = state


def plan(prior: State, planned: State) -> State:
    """What the provider makes of a proposed change."""
    planned = dict(planned)
    for name in _KEPT_BLOCKS:
        planned[name] = planned[name] or prior[name]
    if prior["on_demand_throughput"] and planned["on_demand_throughput"]:
        (before,), (after,) = prior["on_demand_throughput"], planned["on_demand_throughput"]
        # No bound is -1 in a configuration, and 0 when it is read.
        planned["on_demand_throughput"] = [
            {
                name: 0 if (units, before[name]) == (-1, 0) else units
                for name, units in after.items()
            }
        ]
    if prior["ttl"] and not planned["ttl"][0]["enabled"] and not prior["ttl"][0]["enabled"]:
        # DynamoDB does not tell the attribute of a TTL that is off.
        planned["ttl"] = prior["ttl"]
    if not _on(planned, _RECOVERY) and not _on(prior, _RECOVERY):
        planned[_RECOVERY] = prior[_RECOVERY]
    elif _first(planned, _RECOVERY).get(_DAYS) is None:
        days = _first(prior, _RECOVERY)[_DAYS]
        planned[_RECOVERY] = [{**_first(planned, _RECOVERY), _DAYS: days}]
    return planned


def makes_a_new_stream(prior: State, planned: State) -> bool:
    """Whether the ARN of the stream is another afterwards."""
    if planned["stream_enabled"] != prior["stream_enabled"]:
        return True
    view = planned["stream_view_type"]
    return bool(view) and view != prior["stream_view_type"]


def replaces(prior: State, planned: State) -> Iterator[str]:
    """The arguments that make a new table by the way in which they changed."""
    for name in ("restore_source_name", "restore_source_table_arn"):
        if planned[name] and planned[name] != prior[name]:
            yield name
    old, new = _first(prior, "warm_throughput"), _first(planned, "warm_throughput")
    if any((new.get(name) or 0) and new[name] < (old.get(name) or 0) for name in new):
        yield "warm_throughput"


def create(planned: State) -> State:
    """The table after ``resourceTableCreate``.

    Raises:
        Refused: a request of the last steps is refused; the table is there, and tainted.
    """
    state = dict(planned)
    if planned["restore_source_name"] or planned["restore_source_table_arn"]:
        # RestoreTableToPointInTime takes none of these.
        state |= {"deletion_protection_enabled": False, "stream_enabled": False, "tags": None}
    _read_back(state)
    if planned["replica"]:
        # The replicas are made in here, before any scalable target for the table can be.
        if planned["billing_mode"] == "PROVISIONED":
            raise Refused(
                "ValidationException: Table write capacity should either be Pay-Per-Request or "
                "AutoScaled.",
                {**state, "replica": []},
            )
        _check_consistency(planned, state)
        state["replica"] = [_made(replica) for replica in planned["replica"]]
    return state


def update(prior: State, planned: State, index_names: set[str]) -> State:
    """The table after ``resourceTableUpdate``.

    Args:
        index_names: its global secondary indexes, which are resources of their own.

    Raises:
        Refused: a request is refused; what was sent before it has been done.
    """
    state = dict(prior)
    state |= {name: value for name, value in planned.items() if name not in _SENT_IN_ORDER}
    if _cycles_the_stream(prior, planned):
        _refuse_without_stream(state)
        state |= {"stream_view_type": planned["stream_view_type"]}
    _update_table(state, prior, planned, index_names)
    state["server_side_encryption"] = planned["server_side_encryption"]
    strong = [replica for replica in prior["replica"] or [] if replica[_MODE] == _STRONG]
    if strong and _on(planned, "ttl"):
        raise Refused(
            "ValidationException: Time to live cannot be enabled for a table with "
            "MultiRegionConsistency STRONG",
            state,
        )
    state["ttl"] = planned["ttl"]
    state["replica"] = _replicas(state, prior["replica"] or [], planned)
    for name in ("point_in_time_recovery", "warm_throughput", "global_table_witness"):
        state[name] = planned[name]
    _read_back(state)
    return state


def delete(prior: State) -> None:
    """``resourceTableDelete``.

    Raises:
        Refused: the table is protected.
    """
    if any(replica["deletion_protection_enabled"] for replica in prior["replica"] or []):
        raise Refused(_PROTECTED, prior)
    if prior["deletion_protection_enabled"]:
        raise Refused(_PROTECTED, {**prior, "replica": []})


_PROTECTED = (
    "ValidationException: Resource cannot be deleted as it is currently protected against "
    "deletion. Disable deletion protection first."
)
_SENT_IN_ORDER = {
    "billing_mode",
    "deletion_protection_enabled",
    "on_demand_throughput",
    "read_capacity",
    "replica",
    "server_side_encryption",
    "stream_enabled",
    "stream_view_type",
    "write_capacity",
    *_KEPT_BLOCKS,
}


def _cycles_the_stream(prior: State, planned: State) -> bool:
    return bool(
        planned["stream_enabled"]
        and prior["stream_enabled"]
        and planned["stream_view_type"] != prior["stream_view_type"]
    )


def _refuse_without_stream(state: State) -> None:
    if state["replica"]:
        raise Refused(
            "ValidationException: Streams cannot be disabled while the table has replicas.", state
        )


def _update_table(state: State, prior: State, planned: State, index_names: set[str]) -> None:
    """The one UpdateTable for capacity, protection and the stream."""
    sent: State = {}
    if any(planned[name] != prior[name] for name in _CAPACITY):
        sent["billing_mode"] = planned["billing_mode"]
        if planned["billing_mode"] == "PROVISIONED":
            if prior["billing_mode"] != "PROVISIONED" and index_names:
                raise Refused(
                    "ValidationException: One or more parameter values were invalid: "
                    "ProvisionedThroughput must be specified for index: "
                    + ", ".join(sorted(index_names)),
                    state,
                )
            # Without a value, for changes to it are ignored, the provider sends 1.
            sent |= {name: planned[name] or 1 for name in ("read_capacity", "write_capacity")}
        else:
            sent |= {"read_capacity": 0, "write_capacity": 0}
    if planned["deletion_protection_enabled"] != prior["deletion_protection_enabled"]:
        sent["deletion_protection_enabled"] = planned["deletion_protection_enabled"]
    if planned["on_demand_throughput"]:
        sent["on_demand_throughput"] = planned["on_demand_throughput"]
    if planned["stream_enabled"] != prior["stream_enabled"]:
        if not planned["stream_enabled"]:
            _refuse_without_stream(state)
        sent |= {name: planned[name] for name in ("stream_enabled", "stream_view_type")}
    if not sent and planned["on_demand_throughput"] != prior["on_demand_throughput"]:
        # It sends the request all the same, with nothing in it.
        raise Refused(
            "ValidationException: At least one of ProvisionedThroughput, BillingMode, "
            "UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or "
            "ReplicaUpdates is required",
            state,
        )
    state |= sent


_CAPACITY = ("billing_mode", "read_capacity", "write_capacity")


def _replicas(state: State, prior: list[State], planned: State) -> list[State]:
    """``updateReplica``: what must go, goes before anything comes."""
    old = {replica["region_name"]: replica for replica in prior}
    new = {replica["region_name"]: replica for replica in planned["replica"] or []}
    remade = {
        region
        for region in old.keys() & new.keys()
        if any(old[region][name] != new[region][name] for name in ("kms_key_arn", _MODE))
    }
    for region in sorted((old.keys() - new.keys()) | remade):
        if old[region]["deletion_protection_enabled"]:
            raise Refused(f"{_PROTECTED} ({region})", state)
    made = new.keys() - old.keys() | remade
    if made and planned["billing_mode"] == "PROVISIONED":
        raise Refused(
            "ValidationException: Table write capacity should either be Pay-Per-Request or "
            "AutoScaled.",
            state,
        )
    if made:
        _check_consistency(planned, state)
    return [
        _made(new[region]) if region in made else _updated(old[region], new[region])
        for region in sorted(new)
    ]


def _made(replica: State) -> State:
    """A new replica. Where they are strongly consistent, the provider does not protect them."""
    protected = replica["deletion_protection_enabled"] and replica[_MODE] != _STRONG
    return {**replica, "deletion_protection_enabled": protected}


def _updated(old: State, new: State) -> State:
    """One replica after an update: of two changes, the provider sends the first."""
    if old["point_in_time_recovery"] != new["point_in_time_recovery"]:
        return {**new, "deletion_protection_enabled": old["deletion_protection_enabled"]}
    return new


_MODE = "consistency_mode"


def _check_consistency(planned: State, state: State) -> None:
    """``createReplicas``, and what DynamoDB says of strong consistency."""
    replicas = planned["replica"]
    strong = [replica for replica in replicas if replica[_MODE] == _STRONG]
    if not strong:
        return
    witnesses = [each["region_name"] for each in planned["global_table_witness"] or []]
    if len(strong) != len(replicas) or len(strong) + len(witnesses) != 2:
        raise Refused(
            "creating replicas: Using MultiRegionStrongConsistency requires exactly 2 replicas, "
            "or 1 replica and 1 witness region.",
            {**state, "replica": []},
        )
    if _on(planned, "ttl"):
        raise Refused(
            "ValidationException: Table with TimeToLive enabled cannot be a global table with "
            "MultiRegionConsistency STRONG",
            {**state, "replica": []},
        )


def _read_back(state: State) -> None:
    """What the provider reads differently from what it was told."""
    if not _on(state, "ttl"):
        state["ttl"] = [{"attribute_name": "", "enabled": False}]
    # DescribeTable leaves out what has no bound.
    bounds = {
        name: max(units or 0, 0) for name, units in _first(state, "on_demand_throughput").items()
    }
    state["on_demand_throughput"] = [bounds] if any(bounds.values()) else []


def _first(state: State, block: str) -> State:
    return (state[block] or [{}])[0]


def _on(state: State, block: str) -> bool:
    return bool(_first(state, block).get("enabled"))
