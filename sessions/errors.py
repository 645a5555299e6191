"""What goes wrong with a session, told apart by what one can do about it."""

from __future__ import annotations


class StoreUnavailable(Exception):
    """The store gave no answer within the deadline, or answered that it can't serve just now.

    ``__cause__`` holds the failure itself.
    """


class TableNotFound(LookupError):
    """The table does not exist at this endpoint, in this region, for this account."""


class AccessDenied(PermissionError):
    """The credentials are valid but may not do what the store needs."""


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
    """The session was changed after its response had begun, in a way that could not be kept.

    A response commits the session before its first byte. What changes later, in a stream or a
    websocket, is kept by ``save()``; what would need another cookie can't be.
    """
