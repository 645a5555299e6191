"""Guards of sessions whose token comes in a header."""

from __future__ import annotations

from tests.guards.guard import Guard

_TESTS = "tests/sessions_web/test_bearer.py::test_"

BEARER = (
    Guard(
        "a cookie beats a header",
        "sessions/credential.py",
        "        if tokens or previous is not None:\n",
        "        if (tokens or previous is not None) and not bearer_token_in(authorization):\n",
        f"{_TESTS}a_cookie_beats_a_header",
    ),
    Guard(
        "a cookie of no session beats a header too",
        "sessions/credential.py",
        "        if tokens or previous is not None:\n",
        "        if previous is not None:\n",
        f"{_TESTS}a_cookie_of_no_session_beats_a_header_too",
    ),
    Guard(
        "the header counts only where the option is on",
        "sessions/credential.py",
        "bearer_token_in(authorization) if config.bearer else None",
        "bearer_token_in(authorization)",
        f"{_TESTS}unless_the_option_is_on_the_header_is_ignored[wsgi]",
    ),
    Guard(
        "of two fields none counts",
        "sessions/authorization.py",
        "if len(values) > 1 or len(values[0])",
        "if len(values[0])",
        f"{_TESTS}of_two_fields_none_counts[asgi]",
    ),
    Guard(
        "of two fields that a server joined none counts",
        "sessions/authorization.py",
        "_CREDENTIALS.fullmatch(values[0])",
        "_CREDENTIALS.match(values[0])",
        f"{_TESTS}of_two_fields_none_counts[wsgi]",
    ),
    Guard(
        "a long field is not read",
        "sessions/authorization.py",
        " or len(values[0]) > MAX_FIELD_CHARACTERS",
        "",
        f"{_TESTS}a_malformed_field_is_an_empty_session",
    ),
    Guard(
        "the token of a cookie is not for scripts",
        "sessions/client_token.py",
        "        if self.credential.kind is CredentialKind.COOKIE:\n",
        "        if False:\n",
        f"{_TESTS}a_cookies_token_is_never_given_to_scripts",
    ),
    Guard(
        "a header that leads to nothing passes no CSRF check",
        "sessions/session.py",
        "        if self._request_session.found_by is CredentialKind.BEARER:\n"
        "            return True\n",
        "        if self._request_session.brought_invalid_token:\n            return True\n",
        f"{_TESTS}a_request_of_no_session_passes_no_csrf_check",
    ),
    Guard(
        "a response to a header sets no cookie",
        "sessions/client_token.py",
        "        if not self.is_cookie:\n            return [NO_STORE]",
        "        if self._is_asked_for:\n            return [NO_STORE]",
        f"{_TESTS}a_logout_ends_it_and_what_is_set_later_is_dropped_and_told",
    ),
    Guard(
        "a response with a token is not stored",
        "sessions/client_token.py",
        "            return [NO_STORE] if self._is_asked_for else []",
        "            return []",
        f"{_TESTS}only_a_response_with_a_token_is_not_to_be_stored",
    ),
    Guard(
        "a response varies by the header too",
        "sessions/lifecycle/commit.py",
        '            headers.append(("vary", "Authorization"))',
        "            pass",
        f"{_TESTS}responses_vary_by_both_credentials",
    ),
    Guard(
        "no token is replaced unless the client is given the next one",
        "sessions/client_token.py",
        "        if session.id_change is not IdChange.NONE:\n            raise _no_way()\n",
        "        if False:\n            raise _no_way()\n",
        f"{_TESTS}a_login_without_issue_token_is_an_error_and_writes_nothing",
    ),
    Guard(
        "a rotated token is not handed out",
        "sessions/client_token.py",
        "        if not self._leads_to_row(session):  # rotated",
        "        if False:  # rotated",
        f"{_TESTS}a_rotation_has_a_grace_and_a_lost_response_is_asked_for_again",
    ),
    Guard(
        "nothing is begun for an unknown token",
        "sessions/client_token.py",
        "        if session.row is not None or session.replaced is not None "
        "or changes is UNCHANGED:\n",
        "        if True:\n",
        f"{_TESTS}an_unknown_token_is_never_adopted_and_no_cookie_is_set",
    ),
)
