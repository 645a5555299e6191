"""What a denied client is told, in each form."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from ratelimit_ddb.web.response.denial import Denial, denial_response

OVER = Denial(
    status=429,
    violated_policies=("minute",),
    retry_after_seconds=30,
    limit="2 per minute",
    cost=1,
    burst=2,
)
NEVER = Denial(
    status=429,
    violated_policies=("minute",),
    retry_after_seconds=None,
    limit="10 per minute",
    cost=50,
    burst=10,
)
OUTAGE = Denial(
    status=503,
    violated_policies=(),
    retry_after_seconds=1,
    limit="2 per minute",
    cost=1,
    burst=2,
)
BLOCKED = replace(OVER, retry_after_seconds=600, blocked=True)
SENTENCES = [
    (OVER, "Over the limit of 2 per minute. Retry after 30 s."),
    (NEVER, "This request costs 50, and the limit of 10 per minute never holds more than 10."),
    (BLOCKED, "Blocked after too many requests over a limit. Retry after 600 s."),
    (OUTAGE, "Rate limits can't be checked just now. Retry after 1 s."),
    (replace(OUTAGE, retry_after_seconds=None), "Rate limits can't be checked just now."),
]
DENIALS = [denial for denial, _ in SENTENCES]
CONTENT_TYPES = {
    "application/json": "application/problem+json",
    "text/html": "text/html; charset=utf-8",
    "text/plain": "text/plain; charset=utf-8",
}
TYPES = "https://iana.org/assignments/http-problem-types"


class Page(HTMLParser):
    """A page as a browser sees it: its elements, all closed in order, and their text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.declaration = ""
        self.texts: dict[str, str] = {}
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(content)
        self.close()
        assert self._open == []

    def handle_decl(self, decl: str) -> None:
        self.declaration = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))
        if tag != "meta":
            self._open.append(tag)
            self.texts[tag] = ""

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]] += data


@pytest.mark.parametrize(("denial", "sentence"), SENTENCES)
def test_plain_text_is_one_line(denial: Denial, sentence: str) -> None:
    assert denial_response(denial, "GET", "text/plain").body == f"{sentence}\n".encode()


@pytest.mark.parametrize(("denial", "sentence"), SENTENCES)
def test_json_is_a_problem_and_its_detail_the_same_sentence(denial: Denial, sentence: str) -> None:
    body = denial_response(denial, "GET", "application/json").body
    assert body.isascii()
    problem = json.loads(body)
    assert problem["detail"] == sentence
    assert problem["status"] == denial.status
    assert problem["title"]


@pytest.mark.parametrize(("denial", "sentence"), SENTENCES)
def test_html_is_a_whole_page_with_the_same_sentence(denial: Denial, sentence: str) -> None:
    page = Page(denial_response(denial, "GET", "text/html").body.decode())
    assert page.declaration == "doctype html"
    assert page.texts["p"] == sentence
    assert page.texts["h1"] == page.texts["title"] != ""
    assert ("html", {"lang": "en"}) in page.attributes
    assert ("meta", {"charset": "utf-8"}) in page.attributes
    named = {attrs["name"]: attrs["content"] for _, attrs in page.attributes if "name" in attrs}
    assert named == {
        "viewport": "width=device-width, initial-scale=1",
        "color-scheme": "light dark",
    }


def test_a_problem_over_the_limit_has_these_members() -> None:
    assert json.loads(denial_response(OVER, "GET", None).body) == {
        "type": f"{TYPES}#quota-exceeded",
        "title": "Too many requests",
        "status": 429,
        "detail": "Over the limit of 2 per minute. Retry after 30 s.",
        "violated-policies": ["minute"],
        "retry-after": 30,
    }


def test_a_problem_that_no_time_solves_has_no_retry_after() -> None:
    assert json.loads(denial_response(NEVER, "GET", None).body) == {
        "type": f"{TYPES}#quota-exceeded",
        "title": "Too many requests",
        "status": 429,
        "detail": "This request costs 50, and the limit of 10 per minute never holds more than 10.",
        "violated-policies": ["minute"],
    }


def test_a_problem_of_an_outage_has_these_members() -> None:
    assert json.loads(denial_response(OUTAGE, "GET", None).body) == {
        "type": f"{TYPES}#temporary-reduced-capacity",
        "title": "Temporarily unavailable",
        "status": 503,
        "detail": "Rate limits can't be checked just now. Retry after 1 s.",
        "violated-policies": [],
        "retry-after": 1,
    }


def test_a_problem_of_a_block_is_of_the_drafts_third_type() -> None:
    assert json.loads(denial_response(BLOCKED, "GET", None).body) == {
        "type": f"{TYPES}#abnormal-usage-detected",
        "title": "Blocked",
        "status": 429,
        "detail": "Blocked after too many requests over a limit. Retry after 600 s.",
        "violated-policies": ["minute"],
        "retry-after": 600,
    }


def test_policies_are_spelled_as_rate_limit_policy_spells_them() -> None:
    denial = replace(OVER, violated_policies=("per user", 'a "b"', "été", "50%"))
    problem = json.loads(denial_response(denial, "GET", None).body)
    assert problem["violated-policies"] == ["per user", 'a "b"', "%C3%A9t%C3%A9", "50%25"]


@pytest.mark.parametrize("accept", CONTENT_TYPES)
@pytest.mark.parametrize("denial", DENIALS)
def test_headers_say_all_there_is_to_say(denial: Denial, accept: str) -> None:
    told = denial_response(denial, "GET", accept)
    assert told.status == denial.status
    assert all(name == name.lower() for name, _ in told.headers)
    assert len(dict(told.headers)) == len(told.headers)
    retry = denial.retry_after_seconds
    assert dict(told.headers) == {
        **({} if retry is None else {"retry-after": str(retry)}),
        "cache-control": "no-store",
        "vary": "accept",
        "content-type": CONTENT_TYPES[accept],
        "content-length": str(len(told.body)),
    }


@pytest.mark.parametrize("accept", CONTENT_TYPES)
@pytest.mark.parametrize("denial", DENIALS)
def test_head_is_told_the_headers_of_get_and_no_body(denial: Denial, accept: str) -> None:
    told = denial_response(denial, "HEAD", accept)
    assert told.body == b""
    assert told.headers == denial_response(denial, "GET", accept).headers
    assert told.status == denial.status


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"])
def test_other_methods_are_told_what_get_is(method: str) -> None:
    assert denial_response(OVER, method, None) == denial_response(OVER, "GET", None)


def test_a_limit_that_looks_like_html_stays_text() -> None:
    evil = "<script>alert('1')</script>\" & </p> {title} per minute"
    denial = replace(OVER, limit=evil, violated_policies=(evil,))
    body = denial_response(denial, "GET", "text/html").body.decode()
    assert "<script" not in body
    assert Page(body).texts["p"] == f"Over the limit of {evil}. Retry after 30 s."


@pytest.mark.parametrize("accept", CONTENT_TYPES)
def test_the_length_counts_bytes_and_not_characters(accept: str) -> None:
    told = denial_response(replace(OVER, limit="2 à la minute €"), "GET", accept)
    assert dict(told.headers)["content-length"] == str(len(told.body))


def test_a_browser_gets_a_page_and_a_program_a_problem() -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    content_types = [
        dict(denial_response(OVER, "GET", accept).headers)["content-type"]
        for accept in (browser, "*/*", None)
    ]
    assert content_types == [
        "text/html; charset=utf-8",
        "application/problem+json",
        "application/problem+json",
    ]
