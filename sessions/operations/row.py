"""A session as the table holds it.

The partition key is a digest of the token, the sort key is the user. Each anonymous session has a
sort key of its own: an empty one is not possible, and a common one would be a hot key of the index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ddbwire.arguments import shown
from sessions.arguments import ANONYMOUS_PREFIX
from sessions.errors import SessionTooLarge
from sessions.operations.login_lifetime import AS_CONFIGURED, LoginLifetime

MAX_ITEM_BYTES = 400 * 1024
"""Source: AWS, "Quotas and limits in DynamoDB" (item size)."""

_OTHER_ATTRIBUTES_BYTES = 3_712
"""The most that all attributes but the data can have: the keys, the times, their names, the device,
and the longest user id twice."""

_MAX_KEYS_NAMED = 3

StoredValue = str | bytes
"""A value's JSON; or the same, encrypted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One session. Times are epoch seconds by the table's clock.

    Attributes:
        session_id: digest of the token.
        user_id: the sort key: the owner, or what ``anonymous`` makes of the session's id.
        created_at: when it was created; rotations of the same login keep it.
        last_seen_at: when its use was noted last.
        expires_at: when it is over unless it is used before (TTL).
        ends_at: when it is over, used or not, by the lifetime when it was created.
        version: counts the saves of its data.
        data: each key's value as it is stored.
        device: the ``device`` of its login; None without one.
        successor: the session that this one was rotated to, during the grace; else None.
        replaced_by: the session that replaced this one at a login. The row gives access to nothing
            then, and is kept for some seconds. Else None.
        predecessor: the session that was rotated to this one; None if none was. Unlike
            ``successor`` it is sealed, so nobody without the key can make their session lead to
            another user's.
        end_reason: why it was ended, if a request with its id may learn that. The row gives access
            to nothing then, and is kept until the session would have been over. Else None.
        namespace: the ``namespace=`` of its application; mostly empty.
        seal: proves that the row, in all that never changes, was made with the encryption key; None
            if values are not encrypted.
        lifetime: the timeouts that its login chose, and whether its cookie is persistent.
    """

    session_id: str
    user_id: str
    created_at: int
    last_seen_at: int
    expires_at: int
    ends_at: int
    version: int = 1
    data: Mapping[str, StoredValue] = field(default_factory=dict)
    device: str | None = None
    successor: str | None = None
    replaced_by: str | None = None
    namespace: str = ""
    seal: bytes | None = None
    lifetime: LoginLifetime = AS_CONFIGURED
    end_reason: str | None = None
    predecessor: str | None = None

    @property
    def sealed(self) -> tuple[str | int | tuple[str | int | None, ...] | None, ...]:
        """The parts of the row that never change."""
        return (
            self.session_id,
            self.user_id,
            self.namespace,
            self.created_at,
            self.ends_at,
            self.device,
            *((tuple(self.lifetime),) if self.lifetime != AS_CONFIGURED else ()),
            *((("after", self.predecessor),) if self.predecessor is not None else ()),
        )

    @property
    def owner_id(self) -> str | None:
        """The user who is logged in; None for an anonymous session."""
        return None if self.user_id.startswith(ANONYMOUS_PREFIX) else self.user_id

    @property
    def is_tombstone(self) -> bool:
        """Whether the session has ended, and the row only says why."""
        return self.replaced_by is not None or self.end_reason is not None

    def is_live(self, now: int) -> bool:
        """Whether it is a session that is not over, rotated, replaced or ended."""
        return self.successor is None and not self.is_tombstone and now < self.expires_at


def anonymous(session_id: str) -> str:
    """The sort key of an anonymous session."""
    return ANONYMOUS_PREFIX + session_id


def require_item_fits(data: Mapping[str, StoredValue]) -> None:
    """Check that a row's data fits into an item.

    Source: AWS, "DynamoDB item sizes and formats": names and values count in UTF-8, a number has
    about a byte for two digits, a map three bytes and one for each entry.

    Raises:
        SessionTooLarge: it does not. The message has the size and the largest keys.
    """
    size_bytes = {key: _size_bytes(key) + _size_bytes(value) + 1 for key, value in data.items()}
    total_bytes = sum(size_bytes.values()) + _OTHER_ATTRIBUTES_BYTES
    if total_bytes <= MAX_ITEM_BYTES:
        return
    largest = sorted(size_bytes, key=lambda key: -size_bytes[key])[:_MAX_KEYS_NAMED]
    named = ", ".join(f"{shown(key)} {size_bytes[key]:,} bytes" for key in largest)
    raise SessionTooLarge(
        f"the session has {total_bytes:,} bytes, and a DynamoDB item at most {MAX_ITEM_BYTES:,}; "
        f"the largest keys: {named}"
    )


def _size_bytes(stored: StoredValue) -> int:
    return len(stored.encode("utf-8", "surrogatepass") if isinstance(stored, str) else stored)
