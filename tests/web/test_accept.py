"""Which form a client gets, by the Accept headers that clients really send."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb.web.response.accept import LONGEST_CHARACTERS, preferred

JSON, HTML, TEXT = "application/problem+json", "text/html", "text/plain"
OFFERED = (JSON, HTML, TEXT)
RFC_EXAMPLE = (
    "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, "
    "text/plain;format=fixed;q=0.4, */*;q=0.5"
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param(
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
            "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
            HTML,
            id="chrome",
        ),
        pytest.param(
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            HTML,
            id="firefox-safari",
        ),
        pytest.param(
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
            HTML,
            id="firefox-92-to-127",
        ),
        pytest.param(
            "text/html, application/xhtml+xml, image/jxr, */*", HTML, id="internet-explorer"
        ),
        pytest.param(
            "text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01",
            HTML,
            id="lynx",
        ),
        pytest.param("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", HTML, id="java"),
        pytest.param("image/avif,image/webp,image/*,*/*;q=0.8", JSON, id="chrome-image"),
        pytest.param("text/css,*/*;q=0.1", JSON, id="browser-stylesheet"),
        pytest.param("text/event-stream", JSON, id="event-source"),
        pytest.param("*/*", JSON, id="curl-requests-httpx-fetch-wget"),
        pytest.param("application/json, text/plain, */*", JSON, id="axios"),
        pytest.param("application/json, text/javascript, */*; q=0.01", JSON, id="jquery-json"),
        pytest.param("application/json, */*;q=0.5", JSON, id="httpie-json"),
        pytest.param("application/vnd.github+json", JSON, id="github-client"),
        pytest.param(None, JSON, id="none"),
        pytest.param("", JSON, id="empty"),
    ],
)
def test_clients_get_the_form_they_are_made_for(accept: str | None, expected: str) -> None:
    assert preferred(accept, OFFERED) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        # The example of RFC 9110, 12.5.1.
        (RFC_EXAMPLE, TEXT),
        ("application/json", JSON),
        ("application/problem+json", JSON),
        ("application/*", JSON),
        ("text/html", HTML),
        ("text/plain", TEXT),
        ("text/*", HTML),
        ("TEXT/Plain", TEXT),
        ("text/plain; charset=utf-8", TEXT),
        ("application/json; charset=utf-8, text/html;q=0.9", JSON),
        # By quality.
        ("application/json;q=0.5, text/plain;q=0.7", TEXT),
        ("text/plain;q=0.001, text/html;q=0.002", HTML),
        ("text/plain;q=0.5, text/html;q=0.5", HTML),
        ("text/html;q=0.9, text/plain", TEXT),
        ("text/html;q=1., text/plain;q=0.", HTML),
        ("text/plain, application/json", JSON),
        # Between equals by name.
        ("text/plain, */*", TEXT),
        ("*/*;q=0.5, text/plain;q=0.5", TEXT),
        ("*/*, text/*", HTML),
        ("text/*, text/plain", TEXT),
        ("text/plain, text/*, application/json, */*", JSON),
        ("text/html;Q=0.4, text/plain;Q=0.6", TEXT),
        ("\ttext/html ; q=0.4 , text/plain ;\tq=0.6 ", TEXT),
        # The more specific range decides, whatever its place.
        ("text/plain;q=0.1, text/*", HTML),
        ("*/*, text/*;q=0.5, application/problem+json;q=0.1", HTML),
        ("*/*;q=0.9, application/*;q=0.1, text/*;q=0.2, text/plain;q=0.3", TEXT),
        ("application/json;q=0.1, application/problem+json, text/html;q=0.5", JSON),
        ("application/json, application/problem+json;q=0.1, text/html;q=0.5", HTML),
        ("application/*, application/json;q=0.1, text/html;q=0.5", HTML),
        # A range without parameters goes before the same one with them, whatever its place.
        ("text/html, text/plain;format=flowed, text/plain;q=0.4, */*;q=0.1", HTML),
        ("text/html, text/plain;q=0.4, text/plain;format=flowed, */*;q=0.1", HTML),
        ("text/html;level=1;q=0.2, text/html;level=2;q=0.8, text/plain;q=0.5", HTML),
        # q=0 means no.
        ("application/json;q=0, */*", HTML),
        ("application/json;q=0, text/html;q=0.000, */*;q=0.1", TEXT),
        ("text/*;q=0, application/json;q=0", JSON),
        ("text/plain;q=0", JSON),
        ("image/png", JSON),
        # What is malformed is passed over, and nothing else.
        (",,, ,text/plain,,", TEXT),
        ("text, html, /, text/, /html, text/plain", TEXT),
        ("text/html;q=2, text/html;q=-1, text/html;q=x, text/plain;q=0.1", TEXT),
        ("text/html;q=1.001, text/html;q=0.1234, text/html;q=, text/plain;q=0.1", TEXT),
        ('text/html;q="1", text/plain;q=0.1', TEXT),
        ("text/html;level, text/html; q = 1, text/plain;q=0.1", TEXT),
        ("te xt/html, text/html/5, text/h\xe9ml, text/plain;q=0.1", TEXT),
        ("text/html;, text/plain;q=0.1", HTML),
        # Text in quotation marks is one value, whatever it holds.
        ('text/html;a="b, text/plain;q=1";q=0.1, text/plain;q=0.5', TEXT),
        ('text/html;a=";q=1";q=0.1, text/plain;q=0.5', TEXT),
        (r'text/html;a="\",;q=1";q=0.1, text/plain;q=0.5', TEXT),
        ('text/plain, text/html;a="never closed, */*', TEXT),
        ('text/plain, text/html;a="\\', TEXT),
    ],
)
def test_the_most_specific_range_gives_the_quality(accept: str, expected: str) -> None:
    assert preferred(accept, OFFERED) == expected


def test_between_equals_and_where_nothing_fits_the_first_on_offer_wins() -> None:
    for offered in itertools.permutations(OFFERED):
        for accept in (None, "", "*/*", "image/png", "nonsense", ", ".join(OFFERED)):
            assert preferred(accept, offered) == offered[0]
            assert preferred(accept, list(offered)) == offered[0]


def test_only_a_type_with_a_suffix_passes_for_its_syntax() -> None:
    assert preferred("application/json", ("text/plain", "application/xml", JSON)) == JSON
    assert preferred("application/xml", (TEXT, JSON, "image/svg+xml")) == "image/svg+xml"
    assert preferred("application/problem+json", (TEXT, "application/json")) == TEXT
    # The suffix is behind the last plus (RFC 6838, 4.2.8).
    assert preferred("application/json", (TEXT, "application/a+b+json")) == "application/a+b+json"


def test_a_type_that_is_named_goes_before_none_that_is_named_by_its_syntax() -> None:
    assert preferred("text/html, application/json", ("text/html", JSON)) == "text/html"
    assert preferred("text/html, application/json", (JSON, "text/html")) == JSON


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/plain," + "a/b," * LONGEST_CHARACTERS, TEXT),
        ("a/b," * LONGEST_CHARACTERS + "text/plain", JSON),
        ("a/b,text/plain".rjust(LONGEST_CHARACTERS), TEXT),
        ("a/b,text/plain".rjust(LONGEST_CHARACTERS + 1), JSON),
        ("text/plain;q=0.5," + "text/html;q=0.1".rjust(LONGEST_CHARACTERS - 21), TEXT),
        # Cut off before the q, the last range would count in full.
        ("text/plain;q=0.5," + "text/html;q=0.1".rjust(LONGEST_CHARACTERS - 11), TEXT),
        ("text/plain" + " " * LONGEST_CHARACTERS, JSON),
        ("a" * 1_000_000, JSON),
        ("text/plain;" * 1_000_000, JSON),
        ('"' * 1_000_000, JSON),
        ('"\\' * 1_000_000, JSON),
        ("a/b;c=" + '"\\"' * 1_000_000, JSON),
        ("\t " * 1_000_000 + "text/plain", JSON),
        ("a/a;a=" * 1_000_000, JSON),
    ],
    ids=itertools.count(),
)
def test_of_a_long_header_only_the_head_counts(accept: str, expected: str) -> None:
    assert preferred(accept, OFFERED) == expected


@given(st.text() | st.text('ab/*;,="\\ q01.'))
def test_any_header_at_all_has_an_answer(accept: str) -> None:
    assert preferred(accept, OFFERED) in OFFERED


def test_nothing_on_offer_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one media type"):
        preferred("*/*", ())
