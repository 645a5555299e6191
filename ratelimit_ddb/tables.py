"""The tables of the limiter, the sessions and an application.

``ratelimit-ddb tables create`` creates them for development. ``infra/`` provisions the same tables
for production, with backups, alarms and encryption.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ddbwire.shared.single_table import SingleTable

EXPIRES_AT = "expiresAt"
"""The TTL attribute, in epoch seconds, of every table whose items expire."""

SECONDS_TO_ACTIVE = 300
"""How long to wait for a new table. AWS takes about ten seconds, an emulator none."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}", re.ASCII)
# The same rules as in infra/, so that what is created here can be provisioned there.
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_MAX_PREFIX = 64
_ALREADY_THERE = "ResourceInUseException"


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """A key attribute of a table or an index.

    Attributes:
        name: the attribute's name.
        type: ``"S"`` for a string, ``"N"`` for a number.
    """

    name: str
    type: Literal["S", "N"] = "S"


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index.

    It is sparse: an item that lacks one of the two key attributes is not in it.

    Attributes:
        name: the index's name.
        partition: the partition key.
        sort: the sort key.
        projection: ``"ALL"`` for whole items, or ``"KEYS_ONLY"``, with which a change of other
            attributes costs no write to the index.
    """

    name: str
    partition: KeyAttribute
    sort: KeyAttribute
    projection: Literal["ALL", "KEYS_ONLY"] = "ALL"


@dataclass(frozen=True, slots=True)
class Table:
    """A table in on-demand mode.

    Attributes:
        name: 3 to 255 letters, digits, ``_``, ``.`` or ``-``.
        partition: the partition key.
        sort: the sort key; None for a table without one.
        indexes: its global secondary indexes.
        expires: whether its items have a TTL in ``expiresAt``.

    Raises:
        ValueError: DynamoDB does not allow the name.
    """

    name: str
    partition: KeyAttribute
    sort: KeyAttribute | None = None
    indexes: tuple[Index, ...] = ()
    expires: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"table name {self.name!r}: must be 3 to 255 letters, digits, '_', '.' or '-'"
            )

    def create_parameters(self) -> dict[str, Any]:
        """The parameters for DynamoDB's CreateTable."""
        parameters: dict[str, Any] = {
            "TableName": self.name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": _key_schema(self.partition, self.sort),
            "AttributeDefinitions": [
                {"AttributeName": attribute.name, "AttributeType": attribute.type}
                for attribute in self._key_attributes()
            ],
        }
        if self.indexes:
            parameters["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": index.name,
                    "KeySchema": _key_schema(index.partition, index.sort),
                    "Projection": {"ProjectionType": index.projection},
                }
                for index in self.indexes
            ]
        return parameters

    def _key_attributes(self) -> Iterator[KeyAttribute]:
        """Each key attribute of the table and its indexes once; DynamoDB refuses duplicates."""
        keys = [self.partition, self.sort]
        for index in self.indexes:
            keys += [index.partition, index.sort]
        yield from dict.fromkeys(key for key in keys if key is not None)


def rate_limits(name: str) -> Table:
    """The table of the limiter's DynamoDBStore."""
    return Table(name, KeyAttribute("key"), expires=True)


def user_sessions(name: str) -> Table:
    """The table of the DynamoDBSessionStore."""
    of_owner = Index(
        "ownerId-createdAt-index",
        KeyAttribute("ownerId"),
        KeyAttribute("createdAt", "N"),
        projection="KEYS_ONLY",
    )
    return Table(
        name, KeyAttribute("sessionId"), KeyAttribute("userId"), indexes=(of_owner,), expires=True
    )


def single_table(name: str, layout: SingleTable) -> Table:
    """The table of a single-table design."""
    partition, sort = KeyAttribute(layout.partition_key), KeyAttribute(layout.sort_key)
    return Table(name, partition, sort=sort, expires=True)


def application_tables(
    prefix: str = "quikapp", environment: str = "dev", *, layout: SingleTable | None = None
) -> tuple[Table, ...]:
    """The five tables of an environment, named ``{prefix}-{environment}-...``.

    Args:
        prefix: the first part of their names.
        environment: the second part.
        layout: the layout of a sixth table, for a single-table design; None for no such table.

    Raises:
        ValueError: the prefix or the environment is not one that infra/ accepts.
    """
    if not _ENVIRONMENT.fullmatch(environment):
        raise ValueError(
            f"environment {environment!r}: must be 1 to 32 lower-case letters, digits or hyphens, "
            "and begin with a letter"
        )
    if not 1 <= len(prefix) <= _MAX_PREFIX:
        raise ValueError(f"prefix {prefix!r}: must have 1 to {_MAX_PREFIX} characters")
    user = KeyAttribute("userId")
    # A string such as 2024-01-15T10:30:00Z; sessions and notifications have numbers.
    of_user = Index("userId-createdAt-index", user, KeyAttribute("createdAt"))
    updated_at = KeyAttribute("updatedAt")
    unread = Index("userId-unreadAt-index", user, KeyAttribute("unreadAt", "N"))
    of_participant = Index("participant-updatedAt-index", KeyAttribute("participantId"), updated_at)
    start = f"{prefix}-{environment}"
    return (
        Table(f"{start}-media-metadata", KeyAttribute("mediaId"), indexes=(of_user,), expires=True),
        user_sessions(f"{start}-user-sessions"),
        Table(
            f"{start}-notifications",
            user,
            sort=KeyAttribute("notificationId"),
            indexes=(unread,),
            expires=True,
        ),
        Table(
            f"{start}-conversations",
            KeyAttribute("conversationId"),
            sort=KeyAttribute("messageId"),
            indexes=(of_participant,),
        ),
        rate_limits(f"{start}-rate-limits"),
        *(() if layout is None else (single_table(f"{start}-app-data", layout),)),
    )


def create(client: Any, tables: Iterable[Table]) -> tuple[str, ...]:
    """Create the missing tables, wait until all are active, and enable TTL where it is disabled.

    An existing table is not changed, whatever its keys and indexes, except for TTL, if it has the
    same keys: an interrupted run leaves it disabled. One with other keys may be anybody's.

    Args:
        client: botocore's (or boto3's) client for DynamoDB.
        tables: the tables to create.

    Returns:
        the names of the tables that were created.

    Raises:
        botocore.exceptions.ClientError: the endpoint refused, such as for a missing permission.
        botocore.exceptions.BotoCoreError: it was not reached, or a table is not active within
            SECONDS_TO_ACTIVE.
    """
    wanted = tuple(tables)
    # All are created before the first wait, so five take no longer than one.
    created = tuple(table for table in wanted if _begin(client, table))
    for table in wanted:
        client.get_waiter("table_exists").wait(
            TableName=table.name, WaiterConfig={"Delay": 1, "MaxAttempts": SECONDS_TO_ACTIVE}
        )
    for table in wanted:
        if table.expires and (table in created or other_keys(client, table) is None):
            _expire(client, table.name)
    return tuple(table.name for table in created)


def other_keys(client: Any, table: Table) -> str | None:
    """The keys that an existing table has, such as "PK (S) + SK (S)"; None for those of ``table``.

    Raises:
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: as for ``create``.
    """
    described = client.describe_table(TableName=table.name)["Table"]
    types = {
        each["AttributeName"]: each["AttributeType"] for each in described["AttributeDefinitions"]
    }
    found = [
        (each["AttributeName"], types[each["AttributeName"]]) for each in described["KeySchema"]
    ]
    wanted = [(each.name, each.type) for each in (table.partition, table.sort) if each is not None]
    if found == wanted:
        return None
    return " + ".join(f"{name} ({kind})" for name, kind in found)


def _begin(client: Any, table: Table) -> bool:
    try:
        client.create_table(**table.create_parameters())
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != _ALREADY_THERE:
            raise
        return False
    return True


def _expire(client: Any, name: str) -> None:
    described = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if described["TimeToLiveStatus"] == "DISABLED":
        client.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES_AT},
        )


def _key_schema(partition: KeyAttribute, sort: KeyAttribute | None) -> list[dict[str, str]]:
    schema = [{"AttributeName": partition.name, "KeyType": "HASH"}]
    if sort is not None:
        schema.append({"AttributeName": sort.name, "KeyType": "RANGE"})
    return schema
