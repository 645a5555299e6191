"""What a change does to tables that are there: it is safe, or refused before anything is touched.

The stub holds what was applied, and refuses what DynamoDB refuses: see ``stub/table.py``.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.infra import mirror
from tests.infra.places import MODULE
from tests.infra.terraform import Ran, Workspace

pytestmark = pytest.mark.infra

ALARMS = 41  # reads and writes of 5 tables and 4 indexes, all and at one partition; 5 of errors
DEV = {"environment": "dev"}
QUIET = {**DEV, "enable_alarms": False}
REPLICATED = {
    **QUIET,
    "enable_streams": True,
    "enable_global_tables": True,
    "replica_region": "eu-west-1",
    "enable_deletion_protection": False,
}
TRIGGER = {
    "push": {
        "table": "notifications",
        "function_arn": "arn:aws:lambda:us-east-1:123456789012:function:push",
    }
}
NAMES = {
    "conversations",
    "media-metadata",
    "notifications",
    "rate-limits",
    "user-sessions",
}


@contextlib.contextmanager
def new_account(folder: Path) -> Iterator[Workspace]:
    """The module in an account of its own, where what is applied stays."""
    with mirror.serving("--account") as provider:
        workspace = Workspace(folder, MODULE, provider)
        workspace.init()
        yield workspace


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Workspace]:
    """An account without tables."""
    with new_account(tmp_path) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Tables as they are by default, which no test here gets to change."""
    with new_account(tmp_path_factory.mktemp("protected")) as workspace:
        workspace.apply(DEV)
        yield workspace


def refused(workspace: Workspace, command: str, variables: Mapping[str, Any]) -> str:
    """What a command says that is to be refused, in one line."""
    ran = attempt(workspace, command, variables)
    assert ran.code == 1, ran.out
    return " ".join(f"{ran.out} {ran.err}".replace("│", " ").split())


def attempt(workspace: Workspace, command: str, variables: Mapping[str, Any]) -> Ran:
    """``plan``, ``apply`` or ``destroy`` with some variables."""
    (workspace.folder / "given.auto.tfvars.json").write_text(json.dumps(variables))
    approved = [] if command == "plan" else ["-auto-approve"]
    return workspace.run(command, "-no-color", "-input=false", *approved)


def instances(workspace: Workspace, type_name: str) -> list[dict[str, Any]]:
    """The resources of a type that the state has."""
    state = json.loads((workspace.folder / "terraform.tfstate").read_text())
    return [
        instance["attributes"]
        for resource in state["resources"]
        if resource["type"] == type_name and resource["mode"] == "managed"
        for instance in resource["instances"]
    ]


def counted(workspace: Workspace) -> tuple[int, int, int]:
    """How many tables, indexes and alarms there are."""
    types = ("table", "global_secondary_index")
    tables, indexes = (len(instances(workspace, f"aws_dynamodb_{each}")) for each in types)
    return tables, indexes, len(instances(workspace, "aws_cloudwatch_metric_alarm"))


def table(workspace: Workspace, suffix: str) -> dict[str, Any]:
    """A table as the provider read it last."""
    (found,) = (
        each for each in instances(workspace, "aws_dynamodb_table") if each["name"].endswith(suffix)
    )
    return found


def unchanged(workspace: Workspace, variables: Mapping[str, Any]) -> bool:
    """Whether a plan finds nothing to do."""
    changes = workspace.plan(variables)["resource_changes"]
    return all(change["change"]["actions"] in (["no-op"], ["read"]) for change in changes)


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        ("apply", {**DEV, "name_prefix": "quickapp"}),
        ("apply", {**DEV, "environment": "developement"}),
        ("apply", {**DEV, "create_notifications_table": False}),
        ("destroy", DEV),
        (
            "apply",
            {**DEV, "create_notifications_table": False, "enable_deletion_protection": False},
        ),
    ],
    ids=["name_prefix", "environment", "create_table", "destroy", "unprotected_at_once"],
)
def test_that_a_protected_table_keeps_its_indexes_and_alarms(
    protected: Workspace, command: str, variables: Mapping[str, Any]
) -> None:
    assert counted(protected) == (5, 4, ALARMS)

    said = refused(protected, command, variables)

    assert "is protected from deletion" in said
    assert "first apply with its deletion protection off" in said
    assert counted(protected) == (5, 4, ALARMS)


def test_that_what_was_refused_changed_nothing(protected: Workspace) -> None:
    refused(protected, "apply", {**DEV, "name_prefix": "quickapp"})

    assert unchanged(protected, DEV)


def test_that_without_the_guard_indexes_and_alarms_would_be_gone(account: Workspace) -> None:
    # What the guard is for: else the test above would say nothing.
    (account.folder / "protection.tf").unlink()
    account.apply(DEV)

    said = refused(account, "apply", {**DEV, "name_prefix": "quickapp"})

    assert "currently protected against deletion" in said
    assert counted(account) == (5, 0, 0)


def test_that_a_table_is_dropped_when_its_protection_was_turned_off_before(
    account: Workspace,
) -> None:
    account.apply(DEV)
    settings = {"table_settings": {"notifications": {"deletion_protection": False}}}
    account.apply({**DEV, **settings})

    account.apply({**DEV, "create_notifications_table": False})

    assert counted(account)[:2] == (4, 3)


def test_that_what_was_never_protected_is_destroyed_at_once(account: Workspace) -> None:
    account.apply({**DEV, "enable_deletion_protection": False})

    ran = attempt(account, "destroy", {**DEV, "enable_deletion_protection": False})

    assert ran.code == 0, ran.err
    assert counted(account) == (0, 0, 0)


def test_that_ttl_is_turned_off_and_stays_off(account: Workspace) -> None:
    account.apply(QUIET)
    assert table(account, "media-metadata")["ttl"] == [
        {"attribute_name": "expiresAt", "enabled": True}
    ]
    off = {**QUIET, "enable_media_metadata_ttl": False}

    account.apply(off)

    assert not table(account, "media-metadata")["ttl"][0]["enabled"]
    assert unchanged(account, off)
    account.apply(QUIET)
    assert table(account, "media-metadata")["ttl"][0]["enabled"]


def test_that_a_ttl_block_that_is_left_out_is_no_change(account: Workspace) -> None:
    # So the provider takes it, and so the stub does: why the module always writes the block.
    account.apply(QUIET)
    main = account.folder / "main.tf"
    block = (
        "  ttl {\n"
        "    attribute_name = local.ttl_attribute\n"
        "    enabled        = each.value.ttl\n"
        "  }\n"
    )
    assert block in main.read_text()
    main.write_text(main.read_text().replace(block, ""))

    account.apply({**QUIET, "enable_media_metadata_ttl": False})

    assert table(account, "media-metadata")["ttl"][0]["enabled"]


def test_that_recovery_goes_back_as_far_as_it_can_again(account: Workspace) -> None:
    account.apply({**QUIET, "point_in_time_recovery_days": 7})

    account.apply(QUIET)

    (recovery,) = table(account, "notifications")["point_in_time_recovery"]
    assert recovery == {"enabled": True, "recovery_period_in_days": 35}


def test_that_provisioned_tables_have_no_replicas(protected: Workspace) -> None:
    said = refused(protected, "plan", {**REPLICATED, "billing_mode": "PROVISIONED"})

    assert "needs billing_mode PAY_PER_REQUEST" in said


def test_that_dynamodb_would_leave_a_provisioned_table_tainted(account: Workspace) -> None:
    variables = account.folder / "variables.tf"
    rule = '!var.enable_global_tables || var.billing_mode == "PAY_PER_REQUEST"\n'
    assert variables.read_text().count(rule) == 1
    variables.write_text(variables.read_text().replace(rule, "!var.enable_global_tables || true\n"))

    said = refused(account, "apply", {**REPLICATED, "billing_mode": "PROVISIONED"})

    assert "Table write capacity should either be Pay-Per-Request or AutoScaled" in said


def test_that_tables_on_demand_are_not_switched_by_an_apply(protected: Workspace) -> None:
    said = refused(protected, "plan", {**DEV, "billing_mode": "PROVISIONED"})

    for suffix in NAMES:
        assert f"quikapp-dev-{suffix} is billed by request" in said
        assert f"scripts/switch-to-provisioned.sh 5 5 quikapp-dev-{suffix}," in said


def test_that_without_looking_a_switch_fails_or_leaves_one_unit(account: Workspace) -> None:
    account.apply(QUIET)
    blind = {**QUIET, "billing_mode": "PROVISIONED", "read_existing_tables": False}

    said = refused(account, "apply", blind)

    assert "ProvisionedThroughput must be specified for index" in said
    limits = table(account, "rate-limits")
    assert (limits["read_capacity"], limits["write_capacity"]) == (1, 1)


def test_that_provisioned_tables_go_on_demand_by_an_apply(account: Workspace) -> None:
    account.apply({**QUIET, "billing_mode": "PROVISIONED"})

    account.apply(QUIET)

    assert table(account, "notifications")["billing_mode"] == "PAY_PER_REQUEST"
    assert unchanged(account, QUIET)


def test_that_replicas_go_before_their_streams(account: Workspace) -> None:
    account.apply(REPLICATED)
    streams = {**REPLICATED, "enable_global_tables": False, "replica_region": None}

    said = refused(account, "plan", {**streams, "enable_streams": False})
    account.apply(streams)
    account.apply({**streams, "enable_streams": False})

    assert "Set enable_streams = true in the apply that removes the replica" in said
    assert table(account, "notifications")["replica"] == []
    assert not table(account, "notifications")["stream_enabled"]


def test_that_dynamodb_refuses_to_turn_a_replicas_stream_off(account: Workspace) -> None:
    account.apply(REPLICATED)
    off = {**REPLICATED, "enable_global_tables": False, "enable_streams": False}

    said = refused(account, "apply", {**off, "read_existing_tables": False})

    assert "Streams cannot be disabled while the table has replicas" in said


def test_that_a_protected_replica_is_not_removed(account: Workspace) -> None:
    protected = {**REPLICATED, "enable_deletion_protection": True}
    account.apply(protected)

    said = refused(account, "plan", {**protected, "enable_global_tables": False})

    assert "has a replica that would be deleted (eu-west-1)" in said
    assert "First apply with the deletion protection of the table off" in said


@pytest.mark.parametrize(
    "change",
    [
        {"replica_region": "eu-central-1"},
        {
            "kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/primary",
            "replica_kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/replica",
        },
    ],
    ids=["region", "key"],
)
def test_that_a_replica_is_not_removed_and_made_anew(
    account: Workspace, change: Mapping[str, Any]
) -> None:
    account.apply(REPLICATED)

    said = refused(account, "plan", {**REPLICATED, **change})

    assert "would lose its replica (eu-west-1) before it has another" in said
    assert "Remove the replica in one apply" in said
    account.apply({**REPLICATED, "enable_global_tables": False})
    account.apply({**REPLICATED, **change})
    (replica,) = table(account, "notifications")["replica"]
    assert replica["region_name"] == change.get("replica_region", "eu-west-1")


@pytest.mark.parametrize(
    ("before", "after", "lifted"),
    [
        ({"read": 900, "write": 500}, None, "read and write"),
        ({"read": 900, "write": 500}, {}, "read and write"),
        ({"read": 900, "write": 500}, {"write": 500}, "read"),
    ],
    ids=["entry", "both", "one"],
)
def test_that_a_bound_is_lifted_by_hand_before_it_is_taken_away(
    account: Workspace,
    before: dict[str, int],
    after: dict[str, int] | None,
    lifted: str,
) -> None:
    account.apply({**QUIET, "on_demand_maximum_throughput": {"notifications": before}})
    bounds = {} if after is None else {"notifications": after}

    said = refused(account, "plan", {**QUIET, "on_demand_maximum_throughput": bounds})

    assert f"an on_demand_maximum_throughput ({lifted}) that would be taken away" in said
    assert "scripts/lift-maximum-throughput.sh quikapp-dev-notifications," in said


@pytest.mark.parametrize(
    ("after", "answer"),
    [
        (None, "At least one of ProvisionedThroughput, BillingMode"),
        ({"rate_limiting": {"read": 900}}, None),
    ],
    ids=["all", "one"],
)
def test_that_a_bound_of_a_table_without_indexes_may_be_narrowed(
    account: Workspace, after: dict[str, Any] | None, answer: str | None
) -> None:
    account.apply({**QUIET, "on_demand_maximum_throughput": {"rate_limiting": {"read": 1_000}}})
    then = {**QUIET, "on_demand_maximum_throughput": after or {}, "read_existing_tables": False}

    if answer is None:
        account.apply(then)
        assert unchanged(account, then)
    else:
        # What the plan refuses otherwise: the provider sends an empty request.
        assert answer in refused(account, "apply", then)


def test_that_the_provider_fails_on_bounds_of_indexes_that_go(account: Workspace) -> None:
    account.apply({**QUIET, "on_demand_maximum_throughput": {"notifications": {"read": 1_000}}})

    # With something else to send, the table's own request is not empty.
    then = {**QUIET, "enable_deletion_protection": False, "read_existing_tables": False}
    said = refused(account, "apply", then)

    assert "The plugin encountered an error, and failed to respond" in said


def test_that_a_bound_on_one_side_stays_as_it_is(account: Workspace) -> None:
    # DynamoDB tells nothing of the side without a bound.
    bounded = {**QUIET, "on_demand_maximum_throughput": {"notifications": {"write": 500}}}

    account.apply(bounded)

    assert unchanged(account, bounded)


def test_that_a_stream_is_not_replaced_under_its_triggers(account: Workspace) -> None:
    before = {**QUIET, "enable_streams": True, "stream_triggers": TRIGGER}
    account.apply(before)
    after = {**before, "stream_view_type": "NEW_IMAGE"}

    said = refused(account, "plan", after)

    assert "quikapp-dev-notifications has a stream of another stream_view_type" in said
    # The steps that it tells.
    account.apply({**QUIET, "enable_streams": True})
    account.apply(QUIET)
    push = {**TRIGGER["push"], "starting_position": "TRIM_HORIZON"}
    account.apply({**after, "stream_triggers": {"push": push}})
    assert table(account, "notifications")["stream_view_type"] == "NEW_IMAGE"


def test_that_a_view_type_would_replace_the_trigger(account: Workspace) -> None:
    before = {**QUIET, "enable_streams": True, "stream_triggers": TRIGGER}
    account.apply(before)

    plan = account.plan({**before, "stream_view_type": "NEW_IMAGE", "read_existing_tables": False})

    assert {
        change["address"]: change["change"]["actions"]
        for change in plan["resource_changes"]
        if change["type"] == "aws_lambda_event_source_mapping"
    } == {'aws_lambda_event_source_mapping.this["push"]': ["delete", "create"]}


def test_that_a_replicas_backups_and_protection_need_two_applies(account: Workspace) -> None:
    # The provider sends the first of the two; the next plan shows the other.
    account.apply(REPLICATED)
    both = {
        **REPLICATED,
        "enable_deletion_protection": True,
        "enable_point_in_time_recovery": False,
    }

    account.apply(both)
    assert not unchanged(account, both)
    account.apply(both)

    assert unchanged(account, both)


def test_that_strong_consistency_is_chosen_when_a_table_is_made(protected: Workspace) -> None:
    strong = {
        **DEV,
        "strongly_consistent_rate_limits": {
            "replica_regions": ["us-east-2"],
            "witness_region": "us-west-2",
        },
    }

    said = refused(protected, "plan", strong)

    assert "multi-region strong consistency is chosen when a table is made" in said


def test_that_a_strongly_consistent_table_is_made_and_stays(account: Workspace) -> None:
    strong = {
        **QUIET,
        "strongly_consistent_rate_limits": {"replica_regions": ["us-east-2", "us-west-2"]},
    }

    account.apply(strong)
    # The provider does not protect replicas that are made so: the next apply does.
    account.apply(strong)

    assert [each["consistency_mode"] for each in table(account, "rate-limits")["replica"]] == [
        "STRONG",
        "STRONG",
    ]
    assert unchanged(account, strong)
    # It has no way back: TTL would be turned on before the replicas go, which DynamoDB refuses.
    unprotected = {**QUIET, "enable_deletion_protection": False}
    account.apply({**strong, "enable_deletion_protection": False})
    assert "neither added, changed nor taken away" in refused(account, "plan", unprotected)
    said = refused(account, "apply", {**unprotected, "read_existing_tables": False})
    assert "Time to live cannot be enabled" in said


def test_that_a_restored_table_has_the_rest_after_a_second_apply(account: Workspace) -> None:
    restored = {
        **QUIET,
        "restore_tables": {"rate_limiting": {"source_table_name": "quikapp-old-rate-limits"}},
    }
    account.apply(restored)
    assert not table(account, "rate-limits")["deletion_protection_enabled"]

    account.apply(restored)

    assert table(account, "rate-limits")["deletion_protection_enabled"]
    assert unchanged(account, restored)
    # Where a table came from is told once: it is not made anew without it.
    assert unchanged(account, QUIET)


def test_that_warm_throughput_is_not_lowered(account: Workspace) -> None:
    warm = {**QUIET, "warm_throughput": {"rate_limiting": {"write": 20_000}}}
    account.apply(warm)

    assert unchanged(account, QUIET)
    colder = {**QUIET, "warm_throughput": {"rate_limiting": {"write": 10_000}}}
    assert "can be raised and never lowered" in refused(account, "plan", colder)


def test_that_warm_throughput_of_an_index_is_not_lowered(account: Workspace) -> None:
    def by_size(read: int) -> dict[str, Any]:
        index = {"hash_key": {"name": "size", "type": "N"}, "warm_throughput": {"read": read}}
        return {**QUIET, "additional_indexes": {"media_metadata": {"by-size": index}}}

    account.apply(by_size(15_000))

    assert "is warmer than its warm_throughput says" in refused(account, "plan", by_size(13_000))
    account.apply(by_size(16_000))
    (warm,) = (each["warm_throughput"] for each in _indexes(account) if each["warm_throughput"])
    assert warm == {"read_units_per_second": 16_000, "write_units_per_second": 4_000}


def _indexes(workspace: Workspace) -> list[dict[str, Any]]:
    return instances(workspace, "aws_dynamodb_global_secondary_index")


def test_that_nothing_is_read_where_it_is_not_wanted(protected: Workspace) -> None:
    plan = protected.plan({**DEV, "read_existing_tables": False})

    assert not [
        change
        for change in plan["resource_changes"]
        if change["mode"] == "data" and "dynamodb_table" in change["type"]
    ]


def test_that_ordinary_changes_are_not_refused(account: Workspace) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/primary"
    wanted: dict[str, Any] = dict(QUIET)
    for change in (
        {},
        {"kms_key_arn": key, "on_demand_maximum_throughput": {"notifications": {"write": 500}}},
        {
            "enable_streams": True,
            "on_demand_maximum_throughput": {"notifications": {"read": 900, "write": 900}},
            "additional_indexes": {"media_metadata": {"by-type": {"hash_key": {"name": "type"}}}},
        },
        {
            "enable_global_tables": True,
            "replica_region": "eu-west-1",
            "replica_kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/replica",
            "additional_indexes": {},
        },
        {"enable_deletion_protection": False, "tags": {"Owner": "platform"}},
    ):
        wanted |= change
        account.apply(wanted)

    assert unchanged(account, wanted)
