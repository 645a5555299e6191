"""Makes the row of a session that begins, or that gets a new id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sessions.config.session_config import SessionConfig
from sessions.operations.login_lifetime import AS_CONFIGURED, LoginLifetime
from sessions.operations.row import Row, StoredValue, require_item_fits


def new_row(
    config: SessionConfig,
    session_id: str,
    user_id: str,
    created_at: int,
    now: int,
    lifetime: LoginLifetime = AS_CONFIGURED,
) -> Row:
    """A row without values.

    Args:
        config: the application's.
        session_id: its id.
        user_id: its sort key: the owner, or what ``anonymous`` makes of the id.
        created_at: when the session was created, in epoch seconds.
        now: when it was used last.
        lifetime: what its login chose.
    """
    timeouts = config.timeouts.of_login(lifetime)
    return Row(
        session_id,
        user_id,
        created_at,
        last_seen_at=now,
        expires_at=timeouts.expires_at(created_at, now),
        ends_at=timeouts.ends_at(created_at),
        namespace=config.namespace,
        lifetime=lifetime,
    )


def with_values(config: SessionConfig, row: Row, encoded: Mapping[str, str]) -> Row:
    """The row with its values, sealed if they are encrypted. Change nothing else afterwards.

    Raises:
        SessionTooLarge: it does not fit into an item.
    """
    cipher = config.cipher
    seal = cipher.seal(row.sealed) if cipher is not None and cipher.encrypts else None
    data = encrypted(config, row.session_id, encoded)
    require_item_fits(data)
    return replace(row, data=data, seal=seal)


def encrypted(
    config: SessionConfig, session_id: str, encoded: Mapping[str, str]
) -> Mapping[str, StoredValue]:
    """Values as they are stored: their JSON, encrypted if the options say so."""
    if config.cipher is None or not config.cipher.encrypts:
        return encoded
    return {key: config.cipher.encrypt(session_id, key, text) for key, text in encoded.items()}
