"""P8: any non-empty text is a key, and no two different keys share a bucket."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb.key import KeyLike, key_text

MOST_BYTES = 2_048
MARK = "~sha256:"

any_text = st.text(st.characters(exclude_categories=[]), min_size=1)
"""Lone surrogates included, which UTF-8 can't write."""

treacherous = st.text(":%35Aa~s", max_size=6)
"""Separators, escapes and what escapes look like."""

several_parts = st.lists(treacherous, min_size=2, max_size=4).map(tuple)


@st.composite
def long_texts(draw: st.DrawFn) -> str:
    """Texts about as long as a key may be, which differ at their ends."""
    filling = draw(st.sampled_from(["x", "é", "語", "😀", "\ud800"]))
    count = (MOST_BYTES + draw(st.integers(-8, 80))) // len(filling.encode("utf-8", "replace"))
    return filling * count + draw(st.text("ab😀", max_size=3))


@st.composite
def digest_look_alikes(draw: st.DrawFn) -> str:
    """Texts that end as a digest does, and digests themselves."""
    digest = draw(st.text("0123456789abcdef", min_size=64, max_size=64))
    made_up = draw(st.text("x~s:", max_size=4)) + MARK + digest
    return draw(st.just(made_up) | long_texts().map(key_text))


def parts_of(text: str) -> tuple[str, ...]:
    """Reads joined parts back, which proves that no others are written the same."""
    return tuple(part.replace("%3A", ":").replace("%25", "%") for part in text.split(":"))


@given(any_text | long_texts() | digest_look_alikes())
def test_p8_any_text_is_a_key_that_the_table_takes(text: str) -> None:
    key = key_text(text)
    assert 1 <= len(key.encode()) <= MOST_BYTES
    assert key_text(text) == key


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60))
def test_p8_a_short_text_is_its_own_key(text: str) -> None:
    assert key_text(text) == text


@given(several_parts)
def test_p8_parts_can_be_read_back(parts: tuple[str, ...]) -> None:
    assert parts_of(key_text(parts)) == parts


def nearly_the_same(text: str) -> st.SearchStrategy[str]:
    """A text, or one that differs in its last character, its first, or its length."""
    return st.sampled_from([text, text + "a", text[:-1] + "z", "z" + text[1:], key_text(text)])


@given(st.data())
def test_p8_texts_share_a_key_only_if_they_are_the_same(data: st.DataObject) -> None:
    text = data.draw(any_text | long_texts() | digest_look_alikes())
    other = data.draw(nearly_the_same(text))
    assert (key_text(text) == key_text(other)) == (text == other)


@given(several_parts, several_parts, st.sampled_from(["", "x" * MOST_BYTES, "語" * 700]))
def test_p8_parts_share_a_key_only_if_they_are_the_same(
    parts: tuple[str, ...], others: tuple[str, ...], head: str
) -> None:
    key: KeyLike = (head, *parts)
    other_key: KeyLike = (head, *others)
    assert (key_text(key) == key_text(other_key)) == (parts == others)


def test_p8_the_boundary_between_parts_counts() -> None:
    assert key_text(("a:b", "c")) != key_text(("a", "b:c"))
    assert key_text(("a", "")) != key_text(("a",))
