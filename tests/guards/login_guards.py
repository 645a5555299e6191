"""The guards of logins: how long their sessions live, and how many there may be."""

from __future__ import annotations

from tests.guards.guard import Guard

_LIFETIMES = "tests/contract/test_login_lifetimes.py::test_"
_MOST = "tests/contract/test_max_sessions.py::test_"
_COUNTS = "tests/contract/test_session_counts.py::test_"
_AT_ONCE = "tests/sessions_interleavings/test_max_sessions.py::test_"
_FLASK = "tests/frameworks/flask_sessions/test_login_lifetimes.py::test_"
_DJANGO = "tests/frameworks/test_django_login_lifetimes.py::test_"
_TIMEOUTS = "sessions/config/timeouts.py"
_MAX = "sessions/lifecycle/max_sessions.py"
_MEMORY = "sessions/store/memory.py"
_COUNT = "sessions/store/dynamodb/count.py"

LOGINS = (
    Guard(
        "what a login chose ends with its logout",
        "sessions/session_state.py",
        "self.login_lifetime, self.authenticates = AS_CONFIGURED, False",
        "self.authenticates = False",
        f"{_LIFETIMES}what_a_login_chose_ends_with_its_logout",
    ),
    Guard(
        "a login chooses no more than the most",
        _TIMEOUTS,
        "    if seconds > most:\n",
        "    if seconds < 0:\n",
        f"{_LIFETIMES}more_than_the_most_is_refused",
    ),
    Guard(
        "a most that was lowered holds for what was chosen before",
        _TIMEOUTS,
        "idle = min(chosen.idle_seconds, self.max_idle_seconds)",
        "idle = chosen.idle_seconds",
        f"{_LIFETIMES}a_most_that_was_lowered_holds_for_what_was_chosen_before",
    ),
    Guard(
        "a session is over by the idle timeout that its login chose",
        _TIMEOUTS,
        "now = self.of_login(row.lifetime)",
        "now = self",
        f"{_LIFETIMES}its_idle_end_is_the_chosen_one",
    ),
    Guard(
        "what a login chose is kept over rotations",
        "sessions/lifecycle/new_id.py",
        "user_id, old.created_at, now, old.lifetime)",
        "user_id, old.created_at, now)",
        f"{_LIFETIMES}what_was_chosen_is_kept_over_rotations_and_saves",
    ),
    Guard(
        "a session's use is noted in a tenth of its own idle time",
        "sessions/config/timeouts.py",
        "return now - row.last_seen_at >= self.of_login(row.lifetime).touch_seconds",
        "return now - row.last_seen_at >= self.touch_seconds",
        f"{_LIFETIMES}its_use_is_noted_in_a_tenth_of_its_own_idle_time",
    ),
    Guard(
        "a persistent cookie is the login's choice",
        "sessions/client_token.py",
        "for said in (self.persistent, session.lifetime.persistent):",
        "for said in (self.persistent,):",
        "tests/sessions_web/test_login_cookies.py::"
        "test_persistent_cookies_are_beside_those_of_the_browsers_session",
    ),
    Guard(
        "a login decides over Flask's permanent of before",
        "sessions/flask/flask_session.py",
        "            self.pop(_PERMANENT, None)\n",
        "            pass\n",
        f"{_FLASK}a_login_decides_over_a_permanent_that_was_set_before",
    ),
    Guard(
        "set_expiry is within the lifetime that the login chose",
        "sessions/django/expiry.py",
        "    if seconds > lifetime_seconds:\n",
        "    if seconds > site.max_lifetime_seconds:\n",
        f"{_DJANGO}more_than_the_most_is_refused_where_it_is_set",
    ),
    Guard(
        "no login is counted beyond the most",
        _MEMORY,
        "return change.removed <= ids and (change.most is None or many <= change.most)",
        "return change.removed <= ids",
        f"{_AT_ONCE}logins_at_once_leave_exactly_the_most_or_all[False]",
    ),
    Guard(
        "a login that was decided by a count of before is refused",
        _MEMORY,
        "            and change.known.ids == ids\n",
        "",
        f"{_AT_ONCE}logins_at_once_leave_exactly_the_most_or_all[False]",
    ),
    Guard(
        "in a table no login is counted beyond the most",
        _COUNT,
        'conditions.append("#n <= :most")',
        'conditions.append("(#n <= :most OR #n > :most)")',
        f"{_COUNTS}one_session_more_is_counted_with_its_row_or_neither_is",
    ),
    Guard(
        "in a table a login that was decided by a count of before is refused",
        _COUNT,
        'condition = "#v = :v"',
        'condition = "#v >= :v"',
        f"{_COUNTS}what_was_counted_anew_meanwhile_is_not_counted_over",
    ),
    Guard(
        "in a table a rotation that found nothing counted is refused once something is",
        _COUNT,
        '            "ConditionExpression": "attribute_not_exists(#v)",\n',
        '            "ConditionExpression": "attribute_not_exists(#v) OR #v > #v OR #v = #v",\n',
        f"{_COUNTS}a_rotation_that_found_nothing_counted_is_refused_once_something_is",
    ),
    Guard(
        "what was rotated is not ended in the place of its successor",
        _COUNT,
        '"ConditionExpression": "attribute_exists(#s) AND attribute_not_exists(#x) "\n',
        '"ConditionExpression": "attribute_exists(#s) AND (NOT #s = #x OR #s = #x) "\n',
        f"{_COUNTS}what_has_ended_or_moved_is_not_ended_again",
    ),
    Guard(
        "a rotation counts no more",
        "sessions/lifecycle/max_sessions.py",
        "        return frozenset([self.old.session_id])\n",
        "        return frozenset()\n",
        f"{_MOST}what_is_counted_is_what_lives",
    ),
    Guard(
        "what is over can not come back beside the login it made room for",
        _MAX,
        "    if over:\n",
        "    if over is None:\n",
        f"{_MOST}a_session_that_is_over_can_not_come_back_beside_the_login_it_made_room_for",
    ),
    Guard(
        "what is over by the timeouts of now does not count",
        _MAX,
        "if now < limit.timeouts.end_of(row):",
        "if row.is_live(now):",
        f"{_MOST}what_is_over_by_an_idle_timeout_that_was_lowered_does_not_count",
    ),
    Guard(
        "another session's timeouts are not those of the one that logs in",
        _MAX,
        "if now < limit.timeouts.end_of(row):",
        "if now < config.timeouts.end_of(row):",
        "tests/frameworks/test_django_max_sessions.py::"
        "test_another_sessions_own_short_expiry_ends_no_other",
    ),
    Guard(
        "users of one id in two applications are counted apart",
        _MAX,
        "            if row.namespace != session.new.namespace:\n                continue\n",
        "",
        f"{_MOST}each_namespace_and_each_user_counts_for_itself",
        (
            _MEMORY,
            "if row.namespace == namespace and row.successor is None and not row.is_tombstone",
            "if row.successor is None and not row.is_tombstone",
        ),
    ),
    Guard(
        "a login beyond the most is refused if that is asked for",
        _MAX,
        "if limit.refuses and not (many == 1 and session.twin in live):",
        "if limit.refuses and limit.most > 9_999:",
        f"{_MOST}a_login_beyond_the_most_is_refused_if_that_is_asked_for",
    ),
    Guard(
        "the second login of a double click is not refused",
        _MAX,
        "if limit.refuses and not (many == 1 and session.twin in live):",
        "if limit.refuses:",
        f"{_MOST}a_double_click_on_log_in_does_not_use_up_the_others",
    ),
    Guard(
        "a refused login is over and done with",
        "sessions/lifecycle/commit.py",
        "        state.withdraw_login()\n",
        "        pass\n",
        f"{_MOST}a_refused_login_is_raised_where_it_is_saved_and_changes_nothing",
    ),
    Guard(
        "a logout before a refused login holds",
        "sessions/lifecycle/commit.py",
        "except (SessionNotSaved, SessionTooLarge, SessionConflict, TooManySessions):",
        "except (SessionNotSaved, SessionTooLarge, SessionConflict):",
        f"{_MOST}a_logout_before_a_refused_login_holds",
    ),
    Guard(
        "an ended session gives access to nothing and tells why",
        "sessions/lifecycle/load.py",
        "    if row.end_reason is not None:\n        return InvalidReason.LOGIN_ELSEWHERE\n",
        "",
        f"{_MOST}the_ended_session_tells_its_user_why_and_has_nothing",
    ),
    Guard(
        "a session that a site had before counts as a login",
        "sessions/lifecycle/take_over.py",
        "        yield from create_counted(config, row)\n",
        "        yield Create(row)\n",
        "tests/sessions/test_previous.py::test_b15_an_old_session_counts_as_a_login",
    ),
)
