"""The tables that the limiter, the sessions and an application beside them need: one description.

``infra/`` provisions the same ones for production, with backups, alarms and encryption;
``ratelimit-ddb tables create`` makes them here from this description, for development.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ddbwire.single_table import SingleTable

EXPIRES_AT = "expiresAt"
"""The TTL attribute, in epoch seconds, of every table whose items expire."""

SECONDS_TO_ACTIVE = 300
"""How long a new table may take; AWS needs ten seconds or so, an emulator none."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}", re.ASCII)
# As infra/ has them: what is made here is to be had there.
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_MAX_PREFIX = 64
_ALREADY_THERE = "ResourceInUseException"


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """An attribute that a table or an index is keyed by.

    Attributes:
        name: what it is called in the item.
        type: ``"S"`` for text, ``"N"`` for a number.
    """

    name: str
    type: Literal["S", "N"] = "S"


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index.

    An item that lacks one of the two attributes is not in it: that makes an index sparse.

    Attributes:
        name: what queries call it.
        partition: what its items are found by.
        sort: what they are in order of.
        projection: whether it carries whole items (``"ALL"``) or their keys; with the keys alone a
            change of anything else costs no write to the index.
    """

    name: str
    partition: KeyAttribute
    sort: KeyAttribute
    projection: Literal["ALL", "KEYS_ONLY"] = "ALL"


@dataclass(frozen=True, slots=True)
class Table:
    """A table, billed by request.

    Attributes:
        name: 3 to 255 letters, digits, ``_``, ``.`` or ``-``.
        partition: the partition key.
        sort: the sort key, where there is one.
        indexes: its global secondary indexes.
        expires: whether its items carry a TTL in ``expiresAt``.

    Raises:
        ValueError: DynamoDB has no such name.
    """

    name: str
    partition: KeyAttribute
    sort: KeyAttribute | None = None
    indexes: tuple[Index, ...] = ()
    expires: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"table name {self.name!r}: 3 to 255 letters, digits, '_', '.' or '-' are needed"
            )

    def create_parameters(self) -> dict[str, Any]:
        """The parameters of DynamoDB's CreateTable."""
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
        """Each attribute that keys the table or an index, once: DynamoDB refuses repetitions."""
        keys = [self.partition, self.sort]
        for index in self.indexes:
            keys += [index.partition, index.sort]
        yield from dict.fromkeys(key for key in keys if key is not None)


def rate_limits(name: str) -> Table:
    """The table that a DynamoDBStore of the limiter uses, under any name."""
    return Table(name, KeyAttribute("key"), expires=True)


def single_table(name: str, layout: SingleTable) -> Table:
    """The table of a layout, for items of all kinds, under any name."""
    partition, sort = KeyAttribute(layout.partition_key), KeyAttribute(layout.sort_key)
    return Table(name, partition, sort=sort, expires=True)


def application_tables(
    prefix: str = "quikapp", environment: str = "dev", *, layout: SingleTable | None = None
) -> tuple[Table, ...]:
    """The five tables of an environment, called ``{prefix}-{environment}-...``.

    Args:
        prefix: the first part of their names.
        environment: the second part.
        layout: where a sixth is for a single-table design, what its keys are called.

    Raises:
        ValueError: infra/ would not take the prefix or the environment.
    """
    if not _ENVIRONMENT.fullmatch(environment):
        raise ValueError(
            f"environment {environment!r}: must be 1 to 32 lower-case letters, digits or hyphens, "
            "and begin with a letter"
        )
    if not 1 <= len(prefix) <= _MAX_PREFIX:
        raise ValueError(f"prefix {prefix!r}: must have 1 to {_MAX_PREFIX} characters")
    user = KeyAttribute("userId")
    # Texts such as 2024-01-15T10:30:00Z; those of sessions and notifications are numbers.
    of_user = Index("userId-createdAt-index", user, KeyAttribute("createdAt"))
    updated_at = KeyAttribute("updatedAt")
    of_owner = Index(
        "ownerId-createdAt-index",
        KeyAttribute("ownerId"),
        KeyAttribute("createdAt", "N"),
        projection="KEYS_ONLY",
    )
    unread = Index("userId-unreadAt-index", user, KeyAttribute("unreadAt", "N"))
    of_participant = Index("participant-updatedAt-index", KeyAttribute("participantId"), updated_at)
    start = f"{prefix}-{environment}"
    return (
        Table(f"{start}-media-metadata", KeyAttribute("mediaId"), indexes=(of_user,), expires=True),
        Table(
            f"{start}-user-sessions",
            KeyAttribute("sessionId"),
            sort=user,
            indexes=(of_owner,),
            expires=True,
        ),
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
    """Create the tables that are not there, wait until all are active, and turn on missing TTL.

    A table that is there already is left as it is, whatever its keys and indexes; but TTL that is
    off is turned on, for a creation that was interrupted leaves it so.

    Args:
        client: botocore's (or boto3's) client for DynamoDB.
        tables: what is wanted.

    Returns:
        the names of the tables that were created now.

    Raises:
        botocore.exceptions.ClientError: the endpoint refused, for lack of a permission say.
        botocore.exceptions.BotoCoreError: it was not reached, or a table is not active within
            SECONDS_TO_ACTIVE.
    """
    wanted = tuple(tables)
    # All are begun before any is waited for, so five take no longer than one.
    created = tuple(table for table in wanted if _begin(client, table))
    for table in wanted:
        client.get_waiter("table_exists").wait(
            TableName=table.name, WaiterConfig={"Delay": 1, "MaxAttempts": SECONDS_TO_ACTIVE}
        )
    for table in wanted:
        if table.expires:
            _expire(client, table.name)
    return tuple(table.name for table in created)


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
