"""The guards of the rules: no credential has a second bucket, and no path goes round a rule."""

from __future__ import annotations

from tests.guards.guard import Guard

_READINGS = "ratelimit_ddb/web/identity/readings.py"
_READ = "tests/web/test_readings.py::test_"

IDENTITIES = (
    Guard(
        "P15: a token has one bucket whatever its decoder passes over",
        "ratelimit_ddb/web/identity/identity.py",
        "digest_of(token_form(value))",
        "digest_of(value)",
        "tests/web/test_token_form.py"
        "::test_p15_a_valid_token_has_one_bucket_however_it_is_written[Authorization-a JWT]",
    ),
    Guard(
        "P15: a UUID has one bucket whatever its case",
        "ratelimit_ddb/web/identity/token_form.py",
        'digits[1].replace("-", "").lower()',
        'digits[1].replace("-", "")',
        "tests/web/test_token_form.py"
        "::test_p15_a_valid_token_has_one_bucket_however_it_is_written[a header-a UUID]",
    ),
    Guard(
        "P15: a header sent twice is each of its values",
        _READINGS,
        "return _readings([*read, *joined], _listed, more)",
        "return _readings(read[-1:], _listed, more)",
        f"{_READ}p15_a_field_sent_twice_is_each_of_its_values_and_all_of_them",
    ),
    Guard(
        "P15: a header sent twice is what its values are joined",
        _READINGS,
        "return _readings([*read, *joined], _listed, more)",
        "return _readings(read, _listed, more)",
        f"{_READ}p15_a_field_sent_twice_is_each_of_its_values_and_all_of_them",
    ),
    Guard(
        "P15: underscores in a header's name are hyphens behind a bridge to WSGI",
        _READINGS,
        "alike = request.fields_alike(name)",
        "alike = request.fields(name)",
        f"{_READ}p15_a_name_with_underscores_is_read_with_the_other",
    ),
    Guard(
        "P15: a cookie sent twice is each of its values",
        _READINGS,
        "for begin in read for value in",
        "for begin in read[:1] for value in",
        f"{_READ}p15_a_cookie_is_every_value_that_a_framework_may_find",
    ),
    Guard(
        "P15: two Cookie fields are one that HTTP/2 has split",
        _READINGS,
        'text = "; ".join(fields)',
        'text = ", ".join(fields)',
        f"{_READ}p15_a_cookie_is_every_value_that_a_framework_may_find",
    ),
    Guard(
        "P15: a cookie in other white space may be read too",
        _READINGS,
        "or before.isspace()",
        'or before in " \\t"',
        f"{_READ}p15_a_cookie_is_every_value_that_a_framework_may_find",
    ),
    Guard(
        "P15: a quoted cookie is the same as without its quotes and escapes",
        _READINGS,
        "    value = unquoted(value)\n",
        "",
        f"{_READ}p15_spellings_of_a_cookie_have_one_form",
    ),
    Guard(
        "P15: a percent-encoded cookie is the same as decoded",
        _READINGS,
        'if "%" in value:',
        "if not value:",
        f"{_READ}p15_spellings_of_a_cookie_have_one_form",
    ),
    Guard(
        "P15: a token is looked for in every Authorization field",
        _READINGS,
        "    values, more = of_authorization(request)\n",
        "    values, more = of_authorization(request)\n        values = values[:1]\n",
        f"{_READ}p15_a_token_is_whatever_may_follow_bearer",
    ),
    Guard(
        "P15: an Authorization field is its credentials, however its scheme is written",
        _READINGS,
        "if name.lower() not in _AUTHORIZATION:",
        "if name:",
        f"{_READ}p15_spellings_of_an_authorization_have_one_form",
    ),
    Guard(
        "P15: more values than are looked at have no bucket of their own",
        "ratelimit_ddb/web/identity/identity.py",
        "keys.add(_TOO_MANY_VALUES)",
        "pass",
        f"{_READ}requests_with_more_values_than_are_looked_at_share_one_bucket",
    ),
    Guard(
        "P15: every key of an identity is charged",
        "ratelimit_ddb/web/rules/bucket_keys.py",
        "identities = sorted({_of_identity(rule, one) for one in several})",
        "identities = sorted({_of_identity(rule, one) for one in several})[:1]",
        "tests/web/test_several_keys.py::"
        "test_a_request_passes_only_if_each_of_its_keys_has_the_tokens",
    ),
    Guard(
        "only spaces and tabs are white space around a cookie that rules' functions read",
        "ratelimit_ddb/web/request.py",
        "if equals and found.strip(_SPACE) == name:",
        "if equals and found.strip() == name:",
        f"{_READ}the_cookie_of_a_request_is_the_first_unquoted_by_spaces_and_tabs_alone",
    ),
    Guard(
        "an identity that was not called is refused",
        "ratelimit_ddb/web/rules/rule.py",
        'require_function_of_request("by", self.by)',
        "pass",
        "tests/web/test_functions_of_requests.py::"
        "test_an_identity_that_was_not_called_is_refused_with_the_call",
    ),
    Guard(
        "session_user() outside the session middleware counts nobody by address in silence",
        "ratelimit_ddb/web/identity/identity.py",
        "raise RuntimeError(_NO_SESSION)",
        "return None",
        "tests/web/test_identity.py::test_session_user_outside_the_session_middleware_says_so",
    ),
    Guard(
        "what no browser sends as a preflight is counted",
        "ratelimit_ddb/web/rules/preflight.py",
        "return not any(map(request.header, _NEVER_SENT))",
        "return True",
        "tests/web/test_preflight.py::test_what_no_browser_sends_as_a_preflight_is_counted",
    ),
    Guard(
        "a rules file that was cut off takes no rule away at once",
        "ratelimit_ddb/web/rules/rules_file.py",
        "if not _names(rules) < _names(self._rules):",
        "if rules:",
        "tests/web/test_rules_file.py::test_a_file_cut_at_a_rules_end_takes_no_rule_away"
        "_until_it_has_stayed_so_for_a_second",
    ),
    Guard(
        "P15: white space of UTF-8 around a cookie is white space for some",
        _READINGS,
        "if text.isascii():\n            return found\n        # Django",
        "if text:\n            return found\n        # Django",
        f"{_READ}p15_a_cookie_is_read_with_white_space_of_utf_8_too",
    ),
    Guard(
        "P15: Base64 has one form, whatever its decoder passes over",
        _READINGS,
        'text.encode("ascii", "ignore") + b"=="',
        'text.encode("utf-8")',
        f"{_READ}p15_spellings_of_an_authorization_have_one_form",
    ),
    Guard(
        "P15: a class is no function of the request",
        "ratelimit_ddb/web/identity/function_of_request.py",
        "if isinstance(called, type):",
        "if called is None:",
        "tests/web/test_functions_of_requests.py",
    ),
    Guard(
        "P15: Flask's null session is no session",
        "ratelimit_ddb/flask/request.py",
        "if flask.current_app.session_interface.is_null_session(session):",
        "if session is None:",
        "tests/frameworks/test_flask_users.py",
    ),
)

_PATH = "tests/web/test_path.py::test_p15_"
_MOUNT = "tests/web/test_mounts.py::test_p15_"

PATHS = (
    Guard(
        "of a list that a server takes for the peer, the client has not written the last entry",
        "ratelimit_ddb/web/identity/client_address.py",
        'if peer and "," in peer:',
        "if not peer and peer:",
        "tests/web/test_client_address.py::test_a_list_as_the_peer_stands_for_its_last_entry",
    ),
    Guard(
        "P14: a view of Flask that another one calls counts by its own response",
        "ratelimit_ddb/flask/limited_views.py",
        "nested = gate.gives_back and is_nested(limited)",
        "nested = False",
        "tests/frameworks/test_give_back.py",
    ),
    Guard(
        "a field that a proxy overwrites is read of a trusted peer alone",
        "ratelimit_ddb/web/identity/client_address.py",
        "if self.hops or origin.trusted:",
        "if origin:",
        "tests/web/test_client_address.py::test_a_field_that_a_stranger_sends_is_not_read",
    ),
    Guard(
        "P14: an exception that was answered is no failure of the server",
        "ratelimit_ddb/django/uncaught.py",
        "if any(one is exception for one in _chain_of(sys.exc_info()[1])):",
        "if True:",
        "tests/frameworks/test_django_uncaught.py",
    ),
    Guard(
        "P14: a denial inside of a view gives nothing back unless it is the response",
        "ratelimit_ddb/web/gate/gate.py",
        "(is_final if verdict.denials else self._of_view)",
        "(verdict.denials or self._of_view)",
        "tests/frameworks/test_view_denials.py",
    ),
    Guard(
        "P14: a view of FastAPI that asks a RateLimit may catch its denial",
        "ratelimit_ddb/fastapi/dependency.py",
        "is_final=not by_view",
        "is_final=True",
        "tests/frameworks/test_view_denials.py",
    ),
    Guard(
        "P15: each path of a rule is compared",
        "ratelimit_ddb/web/rules/path.py",
        "lambda path: any(fits(path) for fits in each)",
        "lambda path: each[0](path)",
        "tests/web/test_several_paths.py",
    ),
    Guard(
        "P15: the root of what is mounted is seen, whatever root path is set there",
        "ratelimit_ddb/web/rules/path.py",
        'return "" in paths and any(',
        "return False and any(",
        "tests/web/test_mounts.py::"
        "test_p15_a_rule_sees_the_root_of_what_is_mounted_whose_root_path_is_the_whole_path",
    ),
    Guard(
        "P15: a line feed at the end of a path hides it from no rule",
        "ratelimit_ddb/web/rules/path.py",
        'if "\\n" in path:',
        "if not path:",
        f"{_PATH}patterns",
    ),
    Guard(
        "P15: a segment with several parameters is split in every way",
        "ratelimit_ddb/web/rules/path_automaton.py",
        "state = ((state & forward) << 1) | (state & stay)",
        "state = ((state & forward) << 1) or (state & stay)",
        f"{_PATH}patterns",
    ),
    Guard(
        "P15: a number is what int() accepts",
        "ratelimit_ddb/web/rules/path_notation.py",
        r'_INTEGER = r"\d\s_+\-."',
        '_INTEGER = "0-9"',
        f"{_PATH}patterns",
    ),
    Guard(
        "P15: a segment may be empty",
        "ratelimit_ddb/web/rules/path_notation.py",
        '_TEXT = Parameter("[^/]", may_be_empty=True)',
        '_TEXT = Parameter("[^/]", may_be_empty=False)',
        f"{_PATH}patterns",
        (
            "ratelimit_ddb/web/rules/path.py",
            "return (path[:-1], path) if",
            "return (path[:-1],) if",
        ),
    ),
    Guard(
        "P15: a pattern in another notation is refused",
        "ratelimit_ddb/web/rules/path_notation.py",
        "    _require_no_other_notation(pattern)\n",
        "",
        f"{_PATH}a_pattern_that_could_match_nothing_is_refused",
    ),
    Guard(
        "P15: the whole path is compared too, whatever the root path",
        "ratelimit_ddb/web/request.py",
        "others = [path]",
        "others: list[str] = []",
        f"{_MOUNT}over_asgi_patterns_are_compared_with_the_whole_path_too",
    ),
    Guard(
        "P15: what is below a root path is compared, wherever it is in the path",
        "ratelimit_ddb/web/request.py",
        "            others.append(after)",
        "            pass",
        f"{_MOUNT}a_rule_sees_what_each_router_makes_of_a_root_path",
    ),
    Guard(
        "P15: a mount that stays on the path hides it from no rule",
        "ratelimit_ddb/web/rules/rule_set.py",
        "if request.mounts_may_stay and",
        "if not request.method and",
        f"{_MOUNT}a_rule_sees_a_path_that_a_mount_stays_on",
    ),
    Guard(
        "P15: the root path of a wrapped application is found",
        "ratelimit_ddb/asgi/middleware.py",
        "of_scope(scope, self._mounting.current())\n            )",
        "of_scope(scope)\n            )",
        "tests/frameworks/test_mounting.py",
    ),
    Guard(
        "P15: a target in absolute form is its path",
        "ratelimit_ddb/web/request.py",
        'if path[:1] != "/":\n        others +=',
        "if not path:\n        others +=",
        f"{_MOUNT}a_rule_sees_a_target_in_absolute_form_as_quart_routes_it",
    ),
    Guard(
        "P15: what is not UTF-8 may be passed over",
        "ratelimit_ddb/web/request.py",
        'octets.decode("utf-8", "ignore")',
        'octets.decode("utf-8", "replace")',
        f"{_MOUNT}over_wsgi_a_rule_sees_a_path_as_it_is_without_what_is_not_utf_8",
    ),
    Guard(
        "P15: Litestar's router takes mounts off before its middleware",
        "ratelimit_ddb/web/request.py",
        'if "litestar_app" in scope:',
        'if "litestar" in scope:',
        "tests/frameworks/test_mounting.py",
    ),
    Guard(
        "P15: an application in a slot is found",
        "ratelimit_ddb/web/mounting.py",
        "attributes[name] = own.__get__(app)",
        "own.__get__(app)",
        "tests/frameworks/test_mounting.py",
    ),
    Guard(
        "P15: applications by protocol are found",
        "ratelimit_ddb/web/mounting.py",
        "yield from by_protocol.values()",
        "yield from ()",
        "tests/frameworks/test_mounting.py",
    ),
    Guard(
        "P15: a method that no request has is refused",
        "ratelimit_ddb/web/rules/rule.py",
        "if method in _NO_METHODS:",
        "if not method:",
        "tests/web/test_rule_construction.py::test_what_cannot_hold_is_told",
    ),
)
