"""How large a session's item is, as DynamoDB counts, and the refusal of one that is too large.

Source: AWS, "DynamoDB item sizes and formats": names and values in UTF-8, numbers about a byte for
two digits, a map three bytes and one for each entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from sessions.errors import SessionTooLarge
from sessions.row import Stored

MOST_BYTES = 400 * 1024
_OTHER_ATTRIBUTES_BYTES = 3_584
"""All but the data: keys, times and the names of them; the longest user id twice, and device."""
_MOST_NAMED = 3


def require_room(data: Mapping[str, Stored]) -> None:
    """Refuse data that no item could hold.

    Raises:
        SessionTooLarge: with the size and the largest keys.
    """
    size_of = {key: _size(key) + _size(value) + 1 for key, value in data.items()}
    whole = sum(size_of.values()) + _OTHER_ATTRIBUTES_BYTES
    if whole <= MOST_BYTES:
        return
    largest = sorted(size_of, key=lambda key: -size_of[key])[:_MOST_NAMED]
    named = ", ".join(f"{key!r} {size_of[key]:,} bytes" for key in largest)
    raise SessionTooLarge(
        f"the session has {whole:,} bytes, and DynamoDB holds {MOST_BYTES:,} in an item; "
        f"the largest keys: {named}"
    )


def _size(stored: Stored) -> int:
    return len(stored.encode("utf-8", "surrogatepass") if isinstance(stored, str) else stored)
