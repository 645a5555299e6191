"""Guards of device-bound sessions: what a thief has without the key."""

from __future__ import annotations

from tests.guards.guard import Guard

_THEFT = "tests/device_bound/test_theft.py::test_"
_LIFE = "tests/device_bound/test_life.py::test_"
_PROOFS = "tests/device_bound/test_proofs.py::test_"
_BINDING = "tests/device_bound/test_binding.py::test_"
_ENDPOINTS = "sessions/device_bound/endpoints.py"

DEVICE_BOUND = (
    Guard(
        "a bound session is nobody's without the bound cookie",
        "sessions/device_check.py",
        "        if proof is not DeviceProof.MISSING:\n",
        "        if True:\n",
        _THEFT + "stolen_cookies_end_with_the_bound_one",
    ),
    Guard(
        "a bound cookie ends",
        "sessions/device_bound/bound_cookie.py",
        "if parts is None or int(parts[1]) <= now:",
        "if parts is None:",
        _THEFT + "stolen_cookies_end_with_the_bound_one",
    ),
    Guard(
        "a bound cookie is one session's",
        "sessions/device_bound/bound_cookie.py",
        'return "cookie", binding.identifier, binding.key.thumbprint',
        'return ("cookie",)',
        _THEFT + "another_sessions_bound_cookie_is_worth_nothing",
    ),
    Guard(
        "a session's key is never replaced",
        _ENDPOINTS,
        "    if DEVICE_BINDING in loaded.encoded:\n",
        "    if False:\n",
        _THEFT + "a_thief_can_not_register_another_key",
    ),
    Guard(
        "of two registrations at once one counts",
        _ENDPOINTS,
        "expires_at, changed, nothing, row.version",
        "expires_at, changed, nothing, None",
        _THEFT + "of_two_registrations_at_once_one_counts",
    ),
    Guard(
        "a challenge is worth one proof",
        _ENDPOINTS,
        "    proved = binding.proved()\n",
        "    proved = binding\n",
        _THEFT + "a_replayed_proof_is_worth_nothing",
    ),
    Guard(
        "a challenge is one session's",
        "sessions/device_bound/challenge.py",
        'return "refresh", binding.identifier, binding.key.thumbprint, binding.proofs',
        'return "refresh", binding.proofs',
        _THEFT + "another_sessions_challenge_is_not_taken",
    ),
    Guard(
        "an offer is one session's",
        "sessions/device_bound/challenge.py",
        '        return self._is_taken(given, ("register", session_id), now)\n',
        "        return _CHALLENGE.fullmatch(given) is not None\n",
        _THEFT + "another_sessions_offer_is_not_taken",
    ),
    Guard(
        "a challenge ends",
        "sessions/device_bound/challenge.py",
        "        if not -_MAX_AHEAD_SECONDS <= now - at < CHALLENGE_SECONDS:\n",
        "        if False:\n",
        _THEFT + "proofs_can_not_be_signed_ahead",
    ),
    Guard(
        "a refresh names its session, by a field that no page can set",
        _ENDPOINTS,
        "or binding is None or identifier != binding.identifier:",
        "or binding is None:",
        _THEFT + "a_refresh_that_does_not_name_the_session_ends_it_for_the_browser",
    ),
    Guard(
        "an application without the option is no way around",
        "sessions/device_check.py",
        "        if device_bound is None or self.kind is CredentialKind.BEARER:\n"
        "            return DeviceProof.MISSING\n",
        "        if device_bound is None:\n            return DeviceProof.GIVEN\n",
        _THEFT + "an_application_without_the_option_is_no_way_around",
    ),
    Guard(
        "a bound session's token is worth nothing in a header",
        "sessions/device_check.py",
        "if device_bound is None or self.kind is CredentialKind.BEARER:",
        "if device_bound is None:",
        _THEFT + "a_token_of_a_bound_session_is_worth_nothing_in_a_header",
    ),
    Guard(
        "a logout holds without proof",
        "sessions/request_session.py",
        "        self.state.deleted_row = self.state.deleted_row or self.device_check.unproven\n",
        "",
        _THEFT + "a_logout_holds_without_proof_too",
    ),
    Guard(
        "only the response of a login has an offer",
        "sessions/lifecycle/commit.py",
        "        if begun.authenticates and result.token is not None:\n",
        "        if True:\n",
        _BINDING + "no_other_new_id_is_offered_it",
    ),
    Guard(
        "a login begins without the key of before",
        "sessions/lifecycle/new_id.py",
        "    values.pop(DEVICE_BINDING, None)  # the browser is asked anew\n",
        "",
        _LIFE + "a_login_anew_begins_without_the_binding_and_registers_anew",
    ),
    Guard(
        "a refresh is no use of the session",
        _ENDPOINTS,
        "row.last_seen_at, row.expires_at, frozenset",
        "now, now + 3_600, frozenset",
        _BINDING + "a_refresh_is_no_use_of_the_session",
    ),
    Guard(
        "the algorithm follows from the key",
        "sessions/device_bound/proof.py",
        '    if header.get("alg") != key.algorithm:\n',
        "    if False:\n",
        _PROOFS + "what_proves_nothing_is_refused",
        second=(
            "sessions/device_bound/proof.py",
            "algorithms=[key.algorithm]",
            'algorithms=["none", "HS256", "ES256", "RS256"]',
        ),
    ),
    Guard(
        "a proof is of its type",
        "sessions/device_bound/proof.py",
        '    if header.get("typ") != TYPE:\n',
        "    if False:\n",
        _PROOFS + "what_proves_nothing_is_refused",
    ),
    Guard(
        "a proof brings no key to a session that has one",
        "sessions/device_bound/proof.py",
        '    if "jwk" in header:\n',
        "    if False:\n",
        _PROOFS + "what_proves_nothing_is_refused",
    ),
    Guard(
        "a key is of a bounded size",
        "sessions/device_bound/public_key.py",
        "or not MIN_RSA_BITS <= int.from_bytes(modulus).bit_length() <= MAX_RSA_BITS",
        "",
        _PROOFS + "what_is_no_key_of_a_device_is_refused",
    ),
    Guard(
        "a proof is of a bounded length",
        "sessions/device_bound/proof.py",
        "    if len(text) > MAX_PROOF_CHARACTERS:\n",
        "    if False:\n",
        _PROOFS + "what_proves_nothing_is_refused",
        second=(
            "sessions/device_bound/proof.py",
            "    registry.max_header_length = MAX_PROOF_CHARACTERS  ",
            "    registry.max_header_length = 1 << 20  ",
        ),
    ),
)
