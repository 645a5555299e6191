"""The 400 KB of an item: what would not fit is refused before it is sent, by its largest keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sessions import Session, SessionTooLarge
from sessions.operations.row import MAX_ITEM_BYTES, StoredValue, require_item_fits
from tests.sessions.browser import logged_in
from tests.sessions.recording import recorded_site

LARGE = "x" * 410_000


@pytest.mark.parametrize(
    ("key", "value", "each_bytes"),
    [("k", "e", 1), ("k", "é", 2), ("k", "😀", 4), ("k", b"\xff", 1), ("k", "\ud800", 3)],
)
def test_the_size_is_counted_in_bytes(key: str, value: StoredValue, each_bytes: int) -> None:
    # AWS: names and values in UTF-8.
    most = (MAX_ITEM_BYTES - 4_096) // each_bytes
    require_item_fits({key: value * most})
    with pytest.raises(SessionTooLarge):
        require_item_fits({key: value * (MAX_ITEM_BYTES // each_bytes)})
    with pytest.raises(SessionTooLarge):
        require_item_fits({str(value) * (MAX_ITEM_BYTES // each_bytes): value})


def test_many_small_keys_count_too() -> None:
    with pytest.raises(SessionTooLarge):
        require_item_fits({f"{number:07}": "1" for number in range(50_000)})
    require_item_fits({f"{number:07}": "1" for number in range(40_000)})


def test_the_three_largest_keys_are_named_with_their_sizes() -> None:
    data = {"a": "x" * 99_998, "b": "x" * 199_998, "c": "x" * 149_998, "d": "x"}
    with pytest.raises(SessionTooLarge) as refusal:
        require_item_fits(data)
    message = str(refusal.value)
    assert message.endswith(
        "the largest keys: 'b' 200,000 bytes, 'c' 150,000 bytes, 'a' 100,000 bytes"
    )
    assert "409,600" in message
    assert "xx" not in message


def _set(session: Session) -> None:
    session["large"] = LARGE


def _set_and_rotate(session: Session) -> None:
    session["large"] = LARGE
    session.rotate()


def _set_and_login(session: Session) -> None:
    session["large"] = LARGE
    session.login("ada")


def _logout_and_set(session: Session) -> None:
    session.logout()
    session["large"] = LARGE


@pytest.mark.parametrize("do", [_set, _set_and_rotate, _set_and_login])
@pytest.mark.parametrize("encryption", [None, b"k" * 32])
@pytest.mark.parametrize("is_new", [True, False])
def test_nothing_is_sent_of_what_would_not_fit(
    do: Callable[[Session], None], encryption: bytes | None, is_new: bool
) -> None:
    site, store = recorded_site()
    browser = site.browser(encryption=encryption)
    if not is_new:
        with browser.request() as session:
            session["small"] = 1
    request = browser.open()
    do(request.session)
    store.asked()
    with pytest.raises(SessionTooLarge, match="'large' 410,"):
        request.begin()
    assert store.asked() == []


def test_a_logout_goes_before_what_would_not_fit() -> None:
    site, store = recorded_site()
    browser = logged_in(site, "ada")
    request = browser.open()
    _logout_and_set(request.session)
    store.asked()
    with pytest.raises(SessionTooLarge):
        request.begin()
    assert store.asked() == ["Delete"]


def test_what_is_removed_makes_room() -> None:
    site, _ = recorded_site()
    browser = site.browser()
    with browser.request() as session:
        session["a"] = "x" * 300_000
    with browser.request() as session:
        del session["a"]
        session["b"] = "x" * 300_000
    assert set(browser.seen()) == {"b"}


def test_it_is_a_value_error() -> None:
    assert issubclass(SessionTooLarge, ValueError)


def test_long_keys_are_cut_in_the_message() -> None:
    with pytest.raises(SessionTooLarge) as told:
        require_item_fits({f"{number:01000}": "x" * 150_000 for number in range(3)})
    assert len(str(told.value)) < 500
    assert "000...000" in str(told.value)
