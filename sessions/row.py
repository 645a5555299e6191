"""A session as the table holds it.

The partition key is a digest of the token, the sort key the user, or for an anonymous session a
text of its own: an empty one is not possible, and one for all would make one hot key of an index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ANONYMOUS = "anonymous~"
LONGEST_USER_ID_BYTES = 1_024
"""AWS: "Quotas and limits in DynamoDB" (sort key)."""
LONGEST_DEVICE = 256

Stored = str | bytes
"""A value's JSON; or the same, encrypted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One session. Times are epoch seconds by the table's clock.

    Attributes:
        session_id: digest of the token.
        user_id: the sort key: the owner, or what ``anonymous`` makes of the session's id.
        created_at: when it began; rotations of the same login keep it.
        last_seen_at: when its use was noted last.
        expires_at: when it is over unless it is used before (TTL).
        ends_at: when it is over whatever is done, as its lifetime was at the start.
        version: counts saves of its data.
        data: each key's value as it is stored.
        device: what the app called the user's device; None where it didn't.
        successor: the session that this one was rotated to, while it has its grace; else None.
    """

    session_id: str
    user_id: str
    created_at: int
    last_seen_at: int
    expires_at: int
    ends_at: int
    version: int = 1
    data: Mapping[str, Stored] = field(default_factory=dict)
    device: str | None = None
    successor: str | None = None

    @property
    def owner_id(self) -> str | None:
        """The user who is logged in; None for an anonymous session."""
        return None if self.user_id.startswith(ANONYMOUS) else self.user_id


def anonymous(session_id: str) -> str:
    """The sort key of a session that nobody is logged in to."""
    return ANONYMOUS + session_id


def require_user_id(user_id: object) -> str:
    """Refuse what can't be a user's id here.

    Raises:
        TypeError, ValueError: with the value and the rule.
    """
    if not isinstance(user_id, str):
        raise TypeError(f"user_id {user_id!r}: a text is needed, str(...) makes one of a number")
    size_bytes = len(_encoded("user_id", user_id))
    if not 1 <= size_bytes <= LONGEST_USER_ID_BYTES:
        raise ValueError(
            f"user_id of {size_bytes} bytes: 1 to {LONGEST_USER_ID_BYTES} bytes of UTF-8 are needed"
        )
    if user_id.startswith(ANONYMOUS):
        raise ValueError(f"user_id {user_id!r}: {ANONYMOUS!r} begins the ids of anonymous sessions")
    return user_id


def require_device(device: object) -> str | None:
    """Refuse what can't be a device's name.

    Raises:
        TypeError, ValueError: with the value and the rule.
    """
    if device is None:
        return None
    if not isinstance(device, str):
        raise TypeError(f"device {device!r}: a text is needed")
    if not 1 <= len(device) <= LONGEST_DEVICE:
        raise ValueError(
            f"device of {len(device)} characters: 1 to {LONGEST_DEVICE} are needed; cut it first"
        )
    _encoded("device", device)
    return device


def _encoded(what: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{what} {text!r}: it has a lone surrogate, which is no character"
        ) from error
