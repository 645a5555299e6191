"""Django's SessionStore by itself: what Django asks of one, and whose it becomes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted

from sessions import SessionEvent
from sessions.django import SessionStore
from tests.frameworks.django_session_store.saved_sessions import again, saved
from tests.frameworks.django_site.with_sessions import with_sessions
from tests.frameworks.seen_store import SeenStore


def test_a_new_session_is_nothing_yet(store: SeenStore) -> None:
    session = SessionStore()
    assert (session.accessed, session.modified, session.is_empty()) == (False, False, True)
    assert session.session_key is None
    assert session.get("cat") is None
    assert store.seen == []


def test_a_saved_session_exists_and_is_found(store: SeenStore) -> None:
    session = saved(cat="dog")
    assert session.exists(session.session_key)
    assert dict(again(session).items()) == {"cat": "dog"}
    assert store.seen == ["Create", "Find", "Find"]


def test_a_session_is_read_once_whatever_is_asked_first(store: SeenStore) -> None:
    found = again(saved(cat="dog"))
    store.seen.clear()
    assert (found.id, found.end_reason, found["cat"]) == (found.id, None, "dog")
    assert store.seen == ["Find"]
    found.load()
    assert store.seen == ["Find"] * 2


@pytest.mark.parametrize("key", [None, "", "k" * 26, 7, b"k" * 26, "k" * 5_000])
def test_what_is_no_key_has_no_session(store: SeenStore, key: Any) -> None:
    assert SessionStore().exists(key) is False
    SessionStore().delete(key)
    assert SessionStore(key).session_key is None or key == "k" * 26
    assert set(store.seen) <= {"Find"}


@pytest.mark.parametrize("begin", [SessionStore.save, SessionStore.create])
def test_a_session_exists_without_data_where_django_wants_it_to(begin: Any) -> None:
    session = SessionStore()
    begin(session)
    assert session.modified  # or the middleware would set no cookie
    assert session.exists(session.session_key)
    found = again(session)
    assert dict(found.items()) == {}
    found["cat"] = "dog"
    found.save()
    assert found.session_key == session.session_key
    assert again(session)["cat"] == "dog"


def test_create_begins_another_session_with_the_same_data() -> None:
    session = saved(cat="dog")
    before = session.session_key
    session.create()
    assert session.session_key != before
    assert again(session)["cat"] == "dog"
    assert session.exists(before)


def test_a_session_that_exists_is_not_created_over() -> None:
    session = saved(cat="dog")
    with pytest.raises(CreateError):
        session.save(must_create=True)


@pytest.mark.parametrize("key", ["1", "", "a" * 26, "A" * 40, "a" * 40, "a" * 41, "/../x" * 100])
def test_a_key_that_could_not_be_ours_is_dropped_at_once(key: str, store: SeenStore) -> None:
    session = SessionStore(key)
    assert session.session_key is None
    assert not session.exists(key)
    session.delete(key)
    assert store.seen == []
    session["cat"] = "dog"
    session.save()
    assert session.session_key != key


def test_a_key_whose_session_is_gone_is_dropped_at_the_first_use() -> None:
    session = saved(cat="dog")
    late = again(session)
    session.delete()
    assert late.get("cat") is None
    assert late.session_key is None
    assert late.is_empty()


def test_flush_deletes_the_row_at_once_and_what_follows_is_another_session(
    store: SeenStore,
) -> None:
    session = saved(cat="dog")
    before = session.session_key
    session.flush()
    assert (session.session_key, session.modified, session.accessed) == (None, True, True)
    assert not session.exists(before)
    session["cat"] = "mouse"
    session.save()
    assert session.session_key != before
    assert len(store) == 1


def test_flush_of_a_session_that_was_not_read_deletes_its_row_too(store: SeenStore) -> None:
    again(saved(cat="dog")).flush()
    assert len(store) == 0


def test_clear_empties_the_session_and_keeps_it() -> None:
    session = again(saved(cat="dog"))
    session.clear()
    assert session.modified
    session.save()
    found = again(session)
    assert dict(found.items()) == {}
    assert found.session_key == session.session_key


def test_a_deleted_session_is_not_brought_back_by_a_save(store: SeenStore) -> None:
    session = saved(cat="dog")
    other = again(session)
    other.delete()
    session["cat"] = "mouse"
    for _ in range(2):
        with pytest.raises(UpdateError):
            session.save()
    assert session.load() == {}
    assert len(store) == 0


def test_cycle_key_takes_effect_at_once() -> None:
    session = saved(cat="dog", size=1)
    before = session.session_key
    session.cycle_key()
    told = session.session_key
    assert told != before
    assert not session.exists(before)
    assert dict(session.items()) == dict(again(session).items()) == {"cat": "dog", "size": 1}
    session.save()
    assert session.session_key == told


def test_cycle_key_of_a_requests_anonymous_session_waits_for_the_save_of_the_login() -> None:
    session = saved(cat="dog")
    before = session.session_key
    session.is_of_request = True
    session.cycle_key()
    told = session.session_key
    assert session.exists(before)
    session["_auth_user_id"] = "7"
    session.save()
    assert session.session_key == told != before
    assert not session.exists(before)
    assert again(session)["cat"] == "dog"


def test_cycle_key_of_a_cleared_session_ends_the_old_one_too(store: SeenStore) -> None:
    session = again(saved(cat="dog"))
    session.clear()
    session.cycle_key()
    session.save()
    assert len(store) == 1
    assert dict(again(session).items()) == {}


@pytest.mark.parametrize("is_of_request", [False, True])
def test_two_requests_that_cycle_the_same_key_leave_one_session(
    store: SeenStore, is_of_request: bool
) -> None:
    session = saved(cat="dog")
    first, second = again(session), again(session)
    for one in (first, second):
        one.is_of_request = is_of_request
        assert one["cat"] == "dog"
    first.cycle_key()
    if is_of_request:
        second.cycle_key()
        first.save()
        with pytest.raises(UpdateError):
            second.save()
    else:
        with pytest.raises(SessionInterrupted):
            second.cycle_key()
    assert len(store) == 1
    assert again(first)["cat"] == "dog"
    assert again(session).get("cat") is None


def test_clear_expired_is_the_tables_work(store: SeenStore) -> None:
    session = saved(cat="dog")
    store.fake_clock.advance(1_200)
    SessionStore.clear_expired()
    asyncio.run(SessionStore.aclear_expired())
    assert len(store) == 1
    assert not session.exists(session.session_key)
    assert again(session).get("cat") is None


def test_a_session_that_names_a_user_becomes_theirs_at_the_next_save(store: SeenStore) -> None:
    session = saved(cat="dog")
    before = session.session_key
    session["_auth_user_id"] = "7"
    session.save()
    assert session.session_key != before
    assert not session.exists(before)
    (info,) = store.sessions_of("7")
    assert info.id == session.id == again(session).id
    assert again(session)["cat"] == "dog"


def test_a_session_whose_user_is_taken_out_of_it_is_nobodys(store: SeenStore) -> None:
    session = saved(_auth_user_id="7", cat="dog")
    late, before = again(session), session.session_key
    del session["_auth_user_id"]
    session.save()
    assert store.sessions_of("7") == []
    assert session.session_key != before
    assert dict(again(session).items()) == {"cat": "dog"}
    assert late.get("cat") is None


def test_a_users_session_that_is_cleared_is_nobodys(store: SeenStore) -> None:
    session = saved(_auth_user_id="7", cat="dog")
    session.clear()
    session.save()
    assert store.sessions_of("7") == []
    assert session.exists(session.session_key)
    assert dict(again(session).items()) == {}


def test_a_session_that_has_no_row_has_no_id() -> None:
    assert SessionStore().id is None


def test_who_is_told_while_a_session_is_read_may_use_it() -> None:
    def on_event(event: SessionEvent) -> None:
        told.append(event.what)
        used.append(found[0].get("cat"))

    told: list[str] = []
    used: list[object] = []
    store = SeenStore()
    with with_sessions(store, SESSIONS={"STORE": store, "ON_EVENT": on_event}):
        found = [SessionStore("k" * 26)]
        assert found[0].get("cat") is None
    assert (told, used) == (["invalid"], [None])
    assert store.seen == ["Find"]
