"""The text of a user's id or a claim, and the check that it is an id."""

from __future__ import annotations


def id_text(what: str, found: object) -> str:
    """An id as text.

    Raises:
        TypeError: it is not an id. A type without a ``__str__`` of its own is shown by its address
            in memory or by its whole content, which may differ at each request: each would be a
            bucket of its own.
    """
    is_id = isinstance(found, str | int | float) or type(found).__str__ is not object.__str__
    if isinstance(found, bool) or not is_id:
        raise TypeError(
            f"{what}: a {type(found).__name__}: must be an id, such as a str or an int; to use "
            "a part of it, write your own function"
        )
    return str(found)
