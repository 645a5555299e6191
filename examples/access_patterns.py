"""What an application asks of the tables that ``infra/`` makes: a function for each question.

Each is one read or one write, and none scans. ``docs/guide/tables.md`` describes the tables. On
DynamoDB Local:

    export AWS_ENDPOINT_URL_DYNAMODB=http://localhost:8000 AWS_DEFAULT_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any    # boto3 makes none up
    ratelimit-ddb tables create --endpoint-url $AWS_ENDPOINT_URL_DYNAMODB
    python -m examples.access_patterns

Arguments are whole milliseconds since the epoch (``_ms``). ``createdAt`` of media and ``updatedAt``
of conversations are kept as texts, ``expiresAt`` as seconds, for TTL takes no others. DynamoDB
deletes what has expired within a few days, so whoever reads has to look at it too.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import boto3
from boto3.dynamodb.conditions import Attr, ConditionBase, Key

Table = Any
"""A ``Table`` of boto3's resource."""

Item = dict[str, Any]

DAY_SECONDS = 86_400


class Page(NamedTuple):
    """Some items, and the ``after`` of the items that follow them: None if there are none.

    DynamoDB reads ``limit`` items, or 1 MB of them, and only then leaves out those that have
    expired: a page may have fewer items than its limit, or none, though others follow.
    """

    items: list[Item]
    after: Item | None


# Media metadata: mediaId; userId-createdAt-index


def add_media(table: Table, media: Item) -> None:
    """Keep what is known of an upload: an id is given out once, so no other is overwritten."""
    table.put_item(Item=media, ConditionExpression=Attr("mediaId").not_exists())


def media_of_user(
    table: Table, user_id: str, now_ms: int, *, limit: int = 20, after: Item | None = None
) -> Page:
    """A user's media, the newest first."""
    return _newest_first(
        table,
        Key("userId").eq(user_id),
        limit,
        after,
        IndexName="userId-createdAt-index",
        FilterExpression=_has_not_expired(now_ms),
    )


# User sessions: sessionId, userId. The package `sessions` does much more; this is the least.


def begin_session(
    table: Table, session_id: str, user_id: str, now_ms: int, *, seconds: int = 3_600
) -> None:
    """A session that is over after so many seconds."""
    session = {
        "sessionId": session_id,
        "userId": user_id,
        "createdAt": now_ms,
        "expiresAt": now_ms // 1_000 + seconds,
    }
    table.put_item(Item=session, ConditionExpression=Attr("sessionId").not_exists())


def live_session(table: Table, session_id: str, now_ms: int) -> Item | None:
    """A session that is not over. A cookie tells its id alone: the user is found with it."""
    found = table.query(
        KeyConditionExpression=Key("sessionId").eq(session_id),
        FilterExpression=_has_not_expired(now_ms),
        ConsistentRead=True,
    )
    return next(iter(found["Items"]), None)


# Notifications: userId, notificationId; userId-unreadAt-index


def notify(table: Table, user_id: str, text: str, now_ms: int, *, days: int = 30) -> str:
    """A new notification, unread; its id."""
    notification_id = ulid(now_ms)
    table.put_item(
        Item={
            "userId": user_id,
            "notificationId": notification_id,
            "text": text,
            "unreadAt": now_ms,
            "expiresAt": now_ms // 1_000 + days * DAY_SECONDS,
        }
    )
    return notification_id


def notifications_of(
    table: Table, user_id: str, now_ms: int, *, limit: int = 20, after: Item | None = None
) -> Page:
    """A user's notifications, read or not, the newest first: their ids are in order of time."""
    return _newest_first(
        table, Key("userId").eq(user_id), limit, after, FilterExpression=_has_not_expired(now_ms)
    )


def unread_notifications(
    table: Table, user_id: str, now_ms: int, *, limit: int = 20, after: Item | None = None
) -> Page:
    """Those that were not read yet, the newest first. The index holds no others."""
    return _newest_first(
        table,
        Key("userId").eq(user_id),
        limit,
        after,
        IndexName="userId-unreadAt-index",
        FilterExpression=_has_not_expired(now_ms),
    )


def mark_read(table: Table, user_id: str, notification_id: str) -> bool:
    """Take a notification out of the index of unread ones; whether it was in it."""
    try:
        table.update_item(
            Key={"userId": user_id, "notificationId": notification_id},
            UpdateExpression="REMOVE unreadAt",
            # Without it, an update of a notification that has gone would make an empty one.
            ConditionExpression=Attr("unreadAt").exists(),
        )
    except table.meta.client.exceptions.ConditionalCheckFailedException:
        return False
    return True


# Conversations: conversationId, messageId; participant-updatedAt-index. Beside its messages a
# conversation has an item for each participant, and only those are in the index.


def join(table: Table, conversation_id: str, participant_id: str, now_ms: int) -> None:
    """Make somebody a participant, or let one stay as they are."""
    table.update_item(
        Key=_participant(conversation_id, participant_id),
        UpdateExpression="SET participantId = :who, updatedAt = if_not_exists(updatedAt, :now)",
        ExpressionAttributeValues={":who": participant_id, ":now": instant(now_ms)},
    )


def send_message(
    table: Table,
    conversation_id: str,
    sender_id: str,
    text: str,
    participant_ids: Iterable[str],
    now_ms: int,
) -> str:
    """Add a message, and move the conversation up for each participant, 99 at most; its id.

    One transaction: all of it or nothing, and only to participants. Of two at one instant, one may
    fail with TransactionCanceledException, and is to be sent again.
    """
    message_id = f"MSG#{ulid(now_ms)}"
    key = {"conversationId": conversation_id, "messageId": message_id}
    message = {**key, "senderId": sender_id, "text": text, "createdAt": instant(now_ms)}
    moves = [
        {
            "Update": {
                "TableName": table.name,
                "Key": _participant(conversation_id, participant_id),
                "UpdateExpression": "SET updatedAt = :now",
                "ConditionExpression": "attribute_exists(participantId)",
                "ExpressionAttributeValues": {":now": instant(now_ms)},
            }
        }
        for participant_id in participant_ids
    ]
    put = {"Put": {"TableName": table.name, "Item": message}}
    table.meta.client.transact_write_items(TransactItems=[put, *moves])
    return message_id


def last_messages(table: Table, conversation_id: str) -> list[Item]:
    """A conversation's last 50 messages, the newest first."""
    of_conversation = Key("conversationId").eq(conversation_id)
    found = table.query(
        KeyConditionExpression=of_conversation & Key("messageId").begins_with("MSG#"),
        ScanIndexForward=False,
        Limit=50,
    )
    return list(found["Items"])


def conversations_of(
    table: Table, participant_id: str, *, limit: int = 20, after: Item | None = None
) -> Page:
    """Somebody's conversations, those with the newest messages first."""
    return _newest_first(
        table,
        Key("participantId").eq(participant_id),
        limit,
        after,
        IndexName="participant-updatedAt-index",
    )


# The single table: PK, SK. infra/ makes it if it is asked to. What belongs together has one PK, and
# its kind begins the SK.


def single_table_profile(table: Table, user_id: str) -> Item | None:
    """A user's profile, ``PK=USER#123`` and ``SK=PROFILE``: one GetItem."""
    found = table.get_item(Key={"PK": f"USER#{user_id}", "SK": "PROFILE"})
    item: Item | None = found.get("Item")
    return item


def single_table_media(table: Table, user_id: str) -> list[Item]:
    """All media of a user, ``PK=USER#123`` and ``SK=MEDIA#...``, in order of their SK."""
    of_user = Key("PK").eq(f"USER#{user_id}")
    found = table.query(KeyConditionExpression=of_user & Key("SK").begins_with("MEDIA#"))
    return list(found["Items"])


def single_table_sessions(table: Table, user_id: str, now_ms: int) -> list[str]:
    """The ids of a user's sessions, ``PK=USER#123`` and ``SK=SESSION#...``, as `sessions` has them.

    Those of a DynamoDBSessionStore with ``layout=SingleTable()``; its ``sessions_of`` tells more.
    """
    of_user = Key("PK").eq(f"USER#{user_id}")
    found = table.query(
        KeyConditionExpression=of_user & Key("SK").begins_with("SESSION#"),
        FilterExpression=_has_not_expired(now_ms),
        ConsistentRead=True,
    )
    return [str(item["SK"]).removeprefix("SESSION#") for item in found["Items"]]


def single_table_messages(table: Table, conversation_id: str) -> list[Item]:
    """A conversation's last 50, ``PK=CONV#456`` and ``SK=MSG#<ULID>``, the newest first."""
    of_conversation = Key("PK").eq(f"CONV#{conversation_id}")
    found = table.query(
        KeyConditionExpression=of_conversation & Key("SK").begins_with("MSG#"),
        ScanIndexForward=False,
        Limit=50,
    )
    return list(found["Items"])


def instant(at_ms: int) -> str:
    """``2024-01-15T10:30:00Z``: UTC, to the second. Texts of one width sort by their time."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms // 1_000))


def ulid(at_ms: int) -> str:
    """A text that sorts by its time and that nobody else makes: 48 bits of time, 80 of chance."""
    number = (at_ms << 80) | secrets.randbits(80)
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return "".join(digits[number >> shift & 31] for shift in range(125, -1, -5))


def _participant(conversation_id: str, participant_id: str) -> Item:
    return {"conversationId": conversation_id, "messageId": f"PARTICIPANT#{participant_id}"}


def _has_not_expired(now_ms: int) -> ConditionBase:
    return Attr("expiresAt").not_exists() | Attr("expiresAt").gt(now_ms // 1_000)


def _newest_first(
    table: Table, key: ConditionBase, limit: int, after: Item | None, **query: Any
) -> Page:
    if after is not None:
        query["ExclusiveStartKey"] = after
    found = table.query(KeyConditionExpression=key, ScanIndexForward=False, Limit=limit, **query)
    return Page(found["Items"], found.get("LastEvaluatedKey"))


def main() -> None:
    dynamodb = boto3.resource("dynamodb")
    now_ms = time.time_ns() // 1_000_000
    # Others each time: what an earlier run left is not in the way.
    ada, grace, conversation = (f"{name}-{ulid(now_ms)}" for name in ("ada", "grace", "talk"))

    media = dynamodb.Table("quikapp-dev-media-metadata")
    for filename in ("holiday.jpg", "talk.mp4"):
        now_ms += 1_000
        upload = {"mediaId": ulid(now_ms), "userId": ada, "createdAt": instant(now_ms)}
        add_media(media, {**upload, "filename": filename, "s3Key": f"{ada}/{filename}"})
    print("media:", [each["filename"] for each in media_of_user(media, ada, now_ms).items])

    sessions = dynamodb.Table("quikapp-dev-user-sessions")
    begin_session(sessions, f"session of {ada}", ada, now_ms, seconds=60)
    for seconds in (59, 61):
        session = live_session(sessions, f"session of {ada}", now_ms + seconds * 1_000)
        print(f"session after {seconds} s:", "over" if session is None else "live")

    notifications = dynamodb.Table("quikapp-dev-notifications")
    first = notify(notifications, ada, "Grace follows you", now_ms)
    notify(notifications, ada, "Grace likes talk.mp4", now_ms + 1)
    mark_read(notifications, ada, first)
    unread = unread_notifications(notifications, ada, now_ms)
    print("unread:", [each["text"] for each in unread.items])

    conversations = dynamodb.Table("quikapp-dev-conversations")
    for participant in (ada, grace):
        join(conversations, conversation, participant, now_ms)
    send_message(conversations, conversation, ada, "Did you see it?", [ada, grace], now_ms + 1)
    send_message(conversations, conversation, grace, "Twice.", [ada, grace], now_ms + 2)
    print("messages:", [each["text"] for each in last_messages(conversations, conversation)])
    print("conversations:", len(conversations_of(conversations, grace).items))
    dynamodb.meta.client.close()


if __name__ == "__main__":
    main()
