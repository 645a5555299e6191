"""Django's SessionStore by itself: its values, and requests that change them side by side."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import threading
from typing import Any

import pytest
from django.utils.functional import lazystr

from sessions.django import SessionStore
from tests.frameworks.django_session_store.saved_sessions import again, saved
from tests.frameworks.seen_store import SeenStore


def test_values_are_what_djangos_serializer_makes_of_them() -> None:
    session = saved(pair=(1, "a"), words={"ä": [None, True, 1.5]}, numbers={1: 2})
    assert session["pair"] == (1, "a")
    assert dict(again(session).items()) == {
        "pair": [1, "a"],
        "words": {"ä": [None, True, 1.5]},
        "numbers": {"1": 2},
    }


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        decimal.Decimal(1),
        datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        {"inside": {1, 2}},
        lazystr("x"),
        float("nan"),
        ENDLESS,
        {(1, 2): 3},
        "\ud83d",
        "\ud83d\ude00",
        [{"inside": "\ud83d"}],
        {"\ud83d": 1},
        1 << 15_000,
        nested(101),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_stored_is_refused_with_its_key_where_it_is_set(value: object) -> None:
    session = SessionStore()
    with pytest.raises((TypeError, ValueError), match=r"session\['thing"):
        session["thing"] = value
    with pytest.raises((TypeError, ValueError), match=r"session\['thing"):
        asyncio.run(session.aset("thing", value))
    assert "thing" not in session
    for setting in (
        lambda: session.setdefault("thing", value),
        lambda: session.update({"before": 1, "thing": value}),
        lambda: asyncio.run(session.aupdate({"before": 1, "thing": value})),
    ):
        with pytest.raises((TypeError, ValueError), match=r"session\['thing"):
            setting()
    assert session.is_empty()


@pytest.mark.parametrize("key", ["x" * 1_025, "\ud83d", "\ud83d\ude00", "sessions.x", "", 7, None])
def test_a_key_that_cannot_be_stored_is_refused_where_it_is_set(key: Any) -> None:
    session = SessionStore()
    for setting in (
        lambda: session.__setitem__(key, 1),
        lambda: session.setdefault(key, 1),
        lambda: session.update({key: 1}),
    ):
        with pytest.raises((TypeError, ValueError), match=r"session\["):
            setting()
    assert session.is_empty()


def test_what_is_put_inside_a_value_is_refused_at_the_save() -> None:
    session = SessionStore()
    session["thing"] = []
    session["thing"].append("\ud83d")
    with pytest.raises(ValueError, match=r"session\['thing"):
        session.save()


@pytest.mark.parametrize(("key", "rule"), [(5, "a str"), ("", "a str"), ("sessions.x", "reserved")])
def test_keys_are_texts_and_not_the_sessions_own(key: Any, rule: str) -> None:
    with pytest.raises((TypeError, ValueError), match=rule):
        SessionStore()[key] = 1


def test_modified_notices_changes_inside_values_and_can_be_taken_back(store: SeenStore) -> None:
    session = again(saved(cart={"items": []}))
    assert not session.modified
    session["cart"]["items"].append(1)
    noticed = session.modified
    session.modified = False
    assert (noticed, session.modified) == (True, False)
    session["cart"]["items"].append(2)
    assert session.modified
    session.save()
    assert again(session)["cart"] == {"items": [1, 2]}


def test_only_the_keys_that_changed_are_written(store: SeenStore) -> None:
    session = saved(**{f"key {number}": "x" for number in range(9)})
    ours, theirs = again(session), again(session)
    ours["key 1"] = "y"
    theirs["key 2"] = "z"
    del theirs["key 3"]
    ours.save()
    theirs.save()
    found = dict(again(session).items())
    assert (found["key 1"], found["key 2"], len(found)) == ("y", "z", 8)


def test_a_save_without_changes_writes_nothing_but_looks_whether_it_is_there(
    store: SeenStore,
) -> None:
    session = again(saved(cat="dog"))
    assert session.get("cat") == "dog"
    store.seen.clear()
    session["cat"] = "dog"
    assert session.modified
    session.save()
    assert store.seen == ["Find"]


def test_many_threads_that_change_different_keys_are_all_kept() -> None:
    session = saved(start=0)
    ready = threading.Barrier(8)

    def change(number: int) -> None:
        mine = again(session)
        mine[f"key {number}"] = number
        ready.wait(30)
        mine.save()

    threads = [threading.Thread(target=change, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(dict(again(session).items())) == 9
