"""Encryption: what opens, and what does not; on every store in the contract suite."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sessions.operations.operation import Create, Delete
from sessions.values.cipher import UNENCRYPTED, Cipher, Unreadable
from tests.sessions.browser import Browser, Site, logged_in, memory_site

OLD, NEW = secrets.token_bytes(32), secrets.token_bytes(32)
HEAD_BYTES = 1 + 4
NONCE_BYTES = 12
TAG_BYTES = 16


@pytest.mark.parametrize("text", ["1", '""', '"correct horse"', "[" + "0," * 9_999 + "0]"])
@pytest.mark.parametrize("key", ["a", "", "clé 🗝", "\ud800", "a\nb"])
def test_what_is_sealed_opens_for_its_row_and_key(text: str, key: str) -> None:
    cipher = Cipher(NEW)
    assert cipher.decrypt("row", key, cipher.encrypt("row", key, text)) == text


def test_it_is_aes_256_gcm_with_a_nonce_of_its_own_each_time() -> None:
    sealed = [Cipher(NEW).encrypt("row", "key", "text") for _ in range(100)]
    nonces = {one[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES] for one in sealed}
    assert len(nonces) == 100
    assert {len(one) for one in sealed} == {HEAD_BYTES + NONCE_BYTES + len("text") + TAG_BYTES}
    one = sealed[0]
    nonce, content = one[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES], one[HEAD_BYTES + NONCE_BYTES :]
    assert AESGCM(NEW).decrypt(nonce, content, b"row\nkey") == b"text"
    assert one[1:HEAD_BYTES] == hashlib.sha256(b"key id:" + NEW).digest()[:4]


def test_a_seal_is_a_tag_of_what_never_changes_in_a_row() -> None:
    seal = Cipher(NEW).seal(["id", "ada", 7, None])
    nonce, tag = seal[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES], seal[HEAD_BYTES + NONCE_BYTES :]
    assert AESGCM(NEW).decrypt(nonce, tag, b"('row', 'id', 'ada', 7, None)") == b""
    with pytest.raises(Unreadable, match="the session's row was changed or moved"):
        Cipher(NEW).require_seal(seal, ["id", "bob", 7, None])


@pytest.mark.parametrize(
    ("row", "key"), [("other", "key"), ("row", "other"), ("row", "ke"), ("ro", "wkey"), ("", "")]
)
def test_what_was_moved_does_not_open(row: str, key: str) -> None:
    cipher = Cipher(NEW)
    with pytest.raises(Unreadable, match="changed or moved"):
        cipher.decrypt(row, key, cipher.encrypt("row", "key", "text"))


def test_what_had_any_bit_changed_does_not_open() -> None:
    cipher = Cipher(NEW)
    sealed = cipher.encrypt("row", "key", "text")
    for index in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[index] ^= 1 << bit
            with pytest.raises(Unreadable):
                cipher.decrypt("row", "key", bytes(changed))


def test_what_was_cut_or_lengthened_does_not_open() -> None:
    cipher = Cipher(NEW)
    sealed = cipher.encrypt("row", "key", "text")
    for length in range(len(sealed)):
        with pytest.raises(Unreadable):
            cipher.decrypt("row", "key", sealed[:length])
    with pytest.raises(Unreadable):
        cipher.decrypt("row", "key", sealed + b"\x00")


@pytest.mark.parametrize("given", ['"text"', "", b"", b"text", None, 1])
def test_what_was_never_sealed_does_not_open(given: object) -> None:
    with pytest.raises(Unreadable, match=r"^session\['key'\] is not encrypted"):
        Cipher(NEW).decrypt("row", "key", given)


def test_keys_are_rotated() -> None:
    before, both, after = Cipher(OLD), Cipher([NEW, OLD]), Cipher(NEW)
    assert both.decrypt("row", "key", before.encrypt("row", "key", "text")) == "text"
    assert after.decrypt("row", "key", both.encrypt("row", "key", "text")) == "text"
    with pytest.raises(Unreadable, match="a key that is not given"):
        after.decrypt("row", "key", before.encrypt("row", "key", "text"))


def test_nothing_sealed_tells_the_key_or_the_text() -> None:
    sealed = Cipher(NEW).encrypt("row", "key", "correct horse")
    assert b"horse" not in sealed
    assert not any(NEW[start : start + 4] in sealed for start in range(28))


@pytest.mark.parametrize(
    ("keys", "raised", "message"),
    [
        (b"x" * 31, ValueError, "32 bytes, not 31"),
        (b"x" * 33, ValueError, "not 33"),
        (b"x" * 16, ValueError, "not 16"),
        (b"", ValueError, "not 0"),
        ([], ValueError, "must not be empty"),
        ([NEW, b"x"], ValueError, "not 1"),
        (["x" * 32], TypeError, "must be bytes, not str"),
        ("x" * 32, TypeError, "must be bytes, not str"),
        ([None], TypeError, "not NoneType"),
    ],
)
def test_what_is_no_key_is_refused(keys: Any, raised: type[Exception], message: str) -> None:
    with pytest.raises(raised, match=message) as refusal:
        Cipher(keys)
    assert "xx" not in str(refusal.value)


# The seal of a row: whoever may write the table can't give a session to another user


def encrypted_site() -> tuple[Site, Browser]:
    site = memory_site()
    browser = site.browser(encryption=NEW, namespace="shop")
    with browser.request() as session:
        session.login("mallory", device="phone")
    return site, browser


def admin_in(site: Site) -> Browser:
    browser = site.browser(encryption=NEW, namespace="shop")
    with browser.request() as session:
        session.login("admin")
    return browser


def rewritten(site: Site, browser: Browser, **changes: Any) -> None:
    """Write the row anew, with another user perhaps, as the table's administrator can."""
    (row,) = site.rows(browser.session_id)
    assert site.send(Delete(row.session_id, row.user_id)) is not None
    assert site.send(Create(replace(row, **changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "admin"},
        {"user_id": "admin", "seal": None},
        {"device": "laptop"},
        {"device": None},
        {"namespace": ""},
        {"created_at": 1_800_000_001},
        {"ends_at": 1_900_000_000},
    ],
    ids=str,
)
def test_a_row_that_was_given_to_another_user_does_not_open(changes: dict[str, Any]) -> None:
    site, browser = encrypted_site()
    assert browser.user_id() == "mallory"
    rewritten(site, browser)
    assert browser.user_id() == "mallory"
    rewritten(site, browser, **changes)
    assert browser.user_id() is None
    assert site.events[-1].why == "unreadable"


def test_a_row_that_was_rewritten_while_a_request_rotates_it_is_over() -> None:
    site, browser = encrypted_site()
    request = browser.open()
    request.session.rotate()
    rewritten(site, browser, device="laptop", version=9)
    request.finish()
    assert site.events[-1].what == "revoked"
    assert browser.user_id() is None


@pytest.mark.parametrize("says_so", [False, True])
def test_a_session_that_was_led_to_another_users_does_not_open(*, says_so: bool) -> None:
    site, browser = encrypted_site()
    admin = admin_in(site)
    request = browser.open()
    request.session["role"] = "admin"
    if says_so:
        rewritten(site, admin, predecessor=browser.session_id)
    rewritten(site, browser, successor=admin.session_id)
    request.finish()  # what was under way by then changes nothing of it either
    assert browser.user_id() is None
    assert site.events[-1].why == "unreadable"
    assert admin.seen() == {}


def test_nor_one_that_was_led_there_by_an_id_of_before() -> None:
    site, browser = encrypted_site()
    admin = admin_in(site)
    old = site.browser(admin, encryption=NEW, namespace="shop")
    with admin.request() as session:
        session.rotate()
    request = browser.open()
    request.session["role"] = "admin"
    rewritten(site, old, predecessor=browser.session_id)
    rewritten(site, browser, successor=old.session_id)
    request.finish()
    assert browser.user_id() is None
    assert (admin.user_id(), admin.seen()) == ("admin", {})


def test_an_encrypted_session_is_found_by_its_old_ids_however_often_it_was_rotated() -> None:
    site, browser = encrypted_site()
    old = site.browser(browser, encryption=NEW, namespace="shop")
    for _ in range(3):
        with browser.request() as session:
            session.rotate()
    assert (old.user_id(), browser.user_id()) == ("mallory", "mallory")


def test_a_row_without_a_seal_does_not_open_though_it_has_no_values() -> None:
    site = memory_site()
    plain = logged_in(site, "admin")
    assert site.browser(plain, encryption=NEW).user_id() is None


def test_a_seal_outlives_a_rotation_and_a_save_and_opens_with_an_old_key() -> None:
    site = memory_site()
    browser = site.browser(encryption=OLD)
    with browser.request() as session:
        session.login("ada")
    with browser.request() as session:
        session["a"] = 1
    with browser.request() as session:
        session.rotate()
    assert site.browser(browser, encryption=[NEW, OLD]).user_id() == "ada"
    assert site.browser(browser, encryption=NEW).user_id() is None


def test_a_row_may_lack_its_seal_only_where_values_in_the_clear_are_read() -> None:
    key, row = secrets.token_bytes(32), ("id", "ada", "")
    reads_both = Cipher([key, UNENCRYPTED])
    reads_both.require_seal(None, row)
    reads_both.require_seal(reads_both.seal(row), row)
    with pytest.raises(Unreadable):
        reads_both.require_seal(reads_both.seal(("id", "bob", "")), row)
    with pytest.raises(Unreadable):
        Cipher(key).require_seal(None, row)
