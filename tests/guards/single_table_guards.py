"""The guards of a table that is shared: no item of one kind is taken for another's."""

from __future__ import annotations

from tests.guards.guard import Guard

_LIMITER = "ratelimit_ddb/store/dynamodb/item_keys.py"
_SESSIONS = "sessions/store/dynamodb/item_keys.py"
_LAYOUT = "ddbwire/shared/single_table.py"

_LIMITER_KEYS = "tests/single_table/test_limiter_keys.py::test_"
_SESSION_KEYS = "tests/single_table/test_session_keys.py::test_"
_LAYOUTS = "tests/single_table/test_layout.py::test_"

SINGLE_TABLE = (
    Guard(
        "P8: what a partition key has no room for is kept in the sort key",
        _LIMITER,
        'f"{_KIND}#{key[len(head) :]}"',
        "_KIND",
        f"{_LIMITER_KEYS}p8_any_key_fits_a_shared_table_and_is_read_back",
    ),
    Guard(
        "P8: a prefix leaves less room for the key",
        _LIMITER,
        "MAX_PARTITION_KEY_BYTES - len(PREFIX)",
        "MAX_PARTITION_KEY_BYTES",
        f"{_LIMITER_KEYS}p8_any_key_fits_a_shared_table_and_is_read_back",
    ),
    Guard(
        "what an application has in the table is none of the limiter's keys",
        _LIMITER,
        "if not partition.startswith(PREFIX) or kind != _KIND:",
        "if not partition.startswith(PREFIX):",
        f"{_LIMITER_KEYS}an_item_of_something_else_is_of_no_key",
    ),
    Guard(
        "what an application has in a user's partition is no session",
        _SESSIONS,
        "return session_id if is_session_id(session_id) else None",
        "return session_id",
        f"{_SESSION_KEYS}what_else_a_user_has_there_is_no_session",
    ),
    Guard(
        "applications count a user's sessions each for itself",
        _SESSIONS,
        'sort = f"{_COUNTS}#{digest}"',
        "sort = _COUNTS",
        f"{_SESSION_KEYS}p8_two_users_or_applications_have_two_counts",
    ),
    Guard(
        "a table without an index has the register always",
        "sessions/store/dynamodb/store.py",
        "strict_revocation or keys.index is None",
        "strict_revocation",
        f"{_LAYOUTS}sessions_in_a_shared_table_miss_no_login",
    ),
    Guard(
        "no key is called as another attribute of an item is",
        _LAYOUT,
        "if name in attributes:",
        "if not name:",
        f"{_LAYOUTS}no_key_is_called_as_an_attribute_of_the_items_is",
    ),
)
