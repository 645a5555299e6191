"""What goes wrong with a session, told apart by what one can do about it.

What goes wrong with the store is told by the classes that ``ratelimit_ddb`` has as well.
"""

from __future__ import annotations

from ddbwire.errors import AccessDenied, StoreError, StoreUnavailable, TableNotFound

__all__ = [
    "AccessDenied",
    "SessionConflict",
    "SessionNotSaved",
    "SessionRevoked",
    "SessionTooLarge",
    "StoreError",
    "StoreUnavailable",
    "TableNotFound",
]


class SessionRevoked(Exception):
    """The session ended elsewhere while this request was using it: its changes were not saved.

    Raised under ``on_revoked="raise"``; otherwise such changes are dropped, as the user wanted.
    """


class SessionConflict(Exception):
    """Another request changed the session meanwhile, and ``strict=True`` wants that told.

    Also raised where a login or rotation met other changes again and again.
    """


class SessionTooLarge(ValueError):
    """The session is more than DynamoDB can hold in an item. The message names the largest keys.

    Source: AWS, "Quotas and limits in DynamoDB" (item size, 400 KB).
    """


class SessionNotSaved(RuntimeError):
    """The session was changed after its response had started, in a way that can't be saved.

    A response commits the session before its first byte. What changes later, in a stream or a
    websocket, is kept by ``save()``; what would need another cookie can't be.
    """
