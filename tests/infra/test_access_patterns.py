"""The application's questions, asked of the planned tables: ``examples/access_patterns.py``."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from examples import access_patterns as ask
from tests.infra.created import created
from tests.infra.planned import PlannedTable

pytestmark = pytest.mark.infra

NOW_MS = time.time_ns() // 1_000_000

TableOf = Callable[[str], Any]


@pytest.fixture(params=["moto", "dynamodb"])
def table_of(
    request: pytest.FixtureRequest, planned: tuple[PlannedTable, ...]
) -> Iterator[TableOf]:
    """A ``Table`` of boto3's, new and empty, by what the module calls it."""
    with contextlib.ExitStack() as stack:
        if request.param == "moto":
            stack.enter_context(mock_aws())
            endpoint_url = None
        else:
            endpoint_url = request.getfixturevalue("dynamodb_endpoint")
        there = stack.enter_context(created(planned, endpoint_url))
        dynamodb = boto3.resource("dynamodb", endpoint_url=endpoint_url)
        stack.callback(dynamodb.meta.client.close)
        yield lambda key: dynamodb.Table(there.name(key))


def media(number: int, user_id: str = "ada", **more: Any) -> dict[str, Any]:
    """An upload with all that the source document names, made so many seconds later."""
    return {
        "mediaId": f"media-{user_id}-{number}",
        "userId": user_id,
        "type": "image",
        "filename": f"{number}.jpg",
        "size": 1_000 + number,
        "mimeType": "image/jpeg",
        "s3Key": f"{user_id}/{number}.jpg",
        "thumbnails": {"small": f"{user_id}/{number}-small.webp"},
        "metadata": {"width": 640, "height": 480},
        "createdAt": ask.instant(NOW_MS + number * 1_000),
        **more,
    }


def test_that_a_users_media_come_newest_first_page_by_page(table_of: TableOf) -> None:
    table = table_of("media_metadata")
    for number in (3, 1, 5, 2, 4):
        ask.add_media(table, media(number))
    ask.add_media(table, media(9, "grace"))

    first = ask.media_of_user(table, "ada", NOW_MS, limit=3)
    rest = ask.media_of_user(table, "ada", NOW_MS, limit=3, after=first.after)

    # Whole items, since the index projects all.
    assert first.items == [media(5), media(4), media(3)]
    assert (rest.items, rest.after) == ([media(2), media(1)], None)


def test_that_media_that_have_expired_are_not_seen(table_of: TableOf) -> None:
    table = table_of("media_metadata")
    ask.add_media(table, media(1))
    ask.add_media(table, media(2, expiresAt=NOW_MS // 1_000 + 60))

    before = ask.media_of_user(table, "ada", NOW_MS + 59_000)
    after = ask.media_of_user(table, "ada", NOW_MS + 60_000)

    assert [len(before.items), len(after.items)] == [2, 1]


def test_that_the_source_documents_own_item_can_be_kept(table_of: TableOf) -> None:
    table = table_of("media_metadata")
    # Its values, its types: an instant as a text, and expiresAt as a number.
    item = {
        "mediaId": "7d9f",
        "userId": "user-456",
        "type": "photo",
        "filename": "vacation.jpg",
        "size": 1_024_000,
        "mimeType": "image/jpeg",
        "s3Key": "photos/user-456/2024/01/7d9f.jpg",
        "thumbnails": {"small": "thumbs/7d9f-s.webp", "medium": "thumbs/7d9f-m.webp"},
        "metadata": {"width": 1920, "height": 1080},
        "createdAt": "2024-01-15T10:30:00Z",
        "expiresAt": 1_705_400_000,
    }

    ask.add_media(table, item)

    before_it_expires = 1_705_314_600_000
    assert ask.media_of_user(table, "user-456", before_it_expires).items == [item]


def test_that_instants_are_texts_that_sort_by_time() -> None:
    assert ask.instant(1_705_314_600_999) == "2024-01-15T10:30:00Z"
    instants = [ask.instant(at_ms) for at_ms in (0, 999_999_999_000, 1_000_000_000_000, NOW_MS)]
    assert instants == sorted(instants)
    assert {len(each) for each in instants} == {20}


def test_that_no_upload_replaces_another(table_of: TableOf) -> None:
    table = table_of("media_metadata")
    ask.add_media(table, media(1))

    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        ask.add_media(table, media(1))


def test_that_a_session_is_over_when_its_time_has_come(table_of: TableOf) -> None:
    table = table_of("user_sessions")
    ask.begin_session(table, "s-1", "ada", NOW_MS, seconds=60)

    session = ask.live_session(table, "s-1", NOW_MS + 59_000)

    assert session is not None
    assert session["userId"] == "ada"
    assert ask.live_session(table, "s-1", NOW_MS + 60_000) is None
    assert ask.live_session(table, "s-2", NOW_MS) is None


def test_that_unread_notifications_come_newest_first(table_of: TableOf) -> None:
    table = table_of("notifications")
    ids = [ask.notify(table, "ada", str(each), NOW_MS + each) for each in range(4)]
    ask.notify(table, "grace", "another's", NOW_MS)

    assert ask.mark_read(table, "ada", ids[2])

    unread = ask.unread_notifications(table, "ada", NOW_MS)
    every = ask.notifications_of(table, "ada", NOW_MS)
    assert [each["notificationId"] for each in unread.items] == [ids[3], ids[1], ids[0]]
    assert [each["notificationId"] for each in every.items] == ids[::-1]
    assert [each["text"] for each in every.items if "unreadAt" not in each] == ["2"]
    assert ask.unread_notifications(table, "ada", NOW_MS + 30 * 86_400_000).items == []


def test_that_a_notification_is_read_once(table_of: TableOf) -> None:
    table = table_of("notifications")
    notification_id = ask.notify(table, "ada", "hello", NOW_MS)

    read = [ask.mark_read(table, "ada", notification_id) for _ in range(2)]

    assert read == [True, False]
    assert not ask.mark_read(table, "ada", "that there never was")
    assert len(ask.notifications_of(table, "ada", NOW_MS).items) == 1


def test_that_the_last_50_messages_are_those(table_of: TableOf) -> None:
    table = table_of("conversations")
    for participant in ("ada", "grace"):
        ask.join(table, "c-1", participant, NOW_MS)
        ask.join(table, "c-2", participant, NOW_MS)
    for number in range(60):
        ask.send_message(table, "c-1", "ada", str(number), ["ada", "grace"], NOW_MS + number)
    ask.send_message(table, "c-2", "ada", "elsewhere", ["ada"], NOW_MS + 99)

    found = ask.last_messages(table, "c-1")

    assert [each["text"] for each in found] == [str(number) for number in range(59, 9, -1)]


def test_that_conversations_come_by_their_newest_message(table_of: TableOf) -> None:
    table = table_of("conversations")
    for each in range(3):
        ask.join(table, f"c-{each}", "ada", NOW_MS + each * 1_000)
    ask.join(table, "c-1", "grace", NOW_MS)
    ask.send_message(table, "c-0", "ada", "hello", ["ada"], NOW_MS + 10_000)
    ask.send_message(table, "c-1", "grace", "hello", ["ada", "grace"], NOW_MS + 20_000)
    ask.join(table, "c-2", "ada", NOW_MS + 30_000)  # who is there already is not moved

    first = ask.conversations_of(table, "ada", limit=2)
    rest = ask.conversations_of(table, "ada", limit=2, after=first.after)

    assert [each["conversationId"] for each in first.items] == ["c-1", "c-0"]
    assert [each["conversationId"] for each in rest.items] == ["c-2"]
    assert [each["conversationId"] for each in ask.conversations_of(table, "grace").items] == [
        "c-1"
    ]


def test_that_nothing_is_sent_to_who_does_not_participate(table_of: TableOf) -> None:
    table = table_of("conversations")
    ask.join(table, "c-1", "ada", NOW_MS)

    with pytest.raises(ClientError, match="TransactionCanceled"):
        ask.send_message(table, "c-1", "ada", "hello", ["ada", "eve"], NOW_MS + 1)

    assert ask.last_messages(table, "c-1") == []
    (conversation,) = ask.conversations_of(table, "ada").items
    assert conversation["updatedAt"] == ask.instant(NOW_MS)


def test_that_a_single_table_answers_by_kind(table_of: TableOf) -> None:
    table = table_of("single")
    messages = [
        {"PK": "CONV#456", "SK": f"MSG#{ask.ulid(NOW_MS + each)}", "text": str(each)}
        for each in range(60)
    ]
    media = [{"PK": "USER#123", "SK": f"MEDIA#{each}"} for each in ("a", "b")]
    others = [
        {"PK": "USER#123", "SK": "PROFILE", "name": "Ada"},
        {"PK": "USER#1234", "SK": "MEDIA#c"},
        {"PK": "CONV#456", "SK": "PARTICIPANT#123"},
    ]
    with table.batch_writer() as batch:
        for item in (*messages, *media, *others):
            batch.put_item(Item=item)

    assert ask.single_table_profile(table, "123") == others[0]
    assert ask.single_table_profile(table, "1234") is None
    assert ask.single_table_media(table, "123") == media
    assert ask.single_table_messages(table, "456") == messages[:9:-1]


def test_that_ids_are_in_order_of_time_and_unique() -> None:
    ids = [ask.ulid(at_ms) for at_ms in (0, 0, NOW_MS, NOW_MS + 1, 2**48 - 1)]

    assert {len(each) for each in ids} == {26}
    assert len(set(ids)) == 5
    assert ids[1:] == sorted(ids[1:])
    # The specification's own example of a time: 1469918176385 ms is 01ARYZ6S41.
    assert ask.ulid(1_469_918_176_385).startswith("01ARYZ6S41")
