"""Keys of Django's sessions: short enough for Django's own columns, and not to be guessed."""

from __future__ import annotations

import re

from sessions import MemorySessionStore
from sessions.cookie.token import Tokens
from sessions.django import SessionStore
from sessions.django.key import KEY
from tests.frameworks.django_session_store.saved_sessions import again, saved
from tests.frameworks.django_site.with_sessions import with_sessions

SECRET = "s" * 32


def test_a_key_fits_a_column_of_40_characters_in_any_collation() -> None:
    # 40 is the length of Django's own Session.session_key and of allauth's UserSession.
    assert re.fullmatch(r"[a-z0-9]{40}", str(saved(cat="dog").session_key), re.ASCII)


def test_without_a_secret_a_key_is_26_characters() -> None:
    with with_sessions(MemorySessionStore(), options={"SECRET": None}):
        session = saved(cat="dog")
        assert re.fullmatch(r"[a-z0-9]{26}", str(session.session_key), re.ASCII)
        assert again(session)["cat"] == "dog"


def test_a_key_has_at_least_128_random_bits() -> None:
    tokens = Tokens(None, "", KEY)
    made = [tokens.new() for _ in range(1_000)]
    assert len(set(made)) == 1_000
    # Each of the 26 characters takes all 32 values.
    assert [len({key[at] for key in made}) for at in range(26)] == [32] * 26


def test_a_key_with_any_one_character_changed_is_refused() -> None:
    tokens = Tokens(SECRET, "", KEY)
    key = tokens.in_cookie(tokens.new())
    for at, was in enumerate(key):
        for other in "abcdefghijklmnopqrstuvwxyz234567":
            if other != was:
                assert tokens.of_cookie(key[:at] + other + key[at + 1 :]) is None


def test_a_key_in_capitals_is_not_one() -> None:
    key = str(saved(cat="dog").session_key)
    assert SessionStore(key.upper()).session_key is None
