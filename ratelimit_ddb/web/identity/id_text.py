"""The ids of users and claims as texts, and what is no id."""

from __future__ import annotations


def id_text(what: str, found: object) -> str:
    """An id as text.

    Raises:
        TypeError: it is none. The text of an object without one of its own has its address in
            memory or all that is in it, which may be another at each request: so many buckets.
    """
    is_id = isinstance(found, str | int | float) or type(found).__str__ is not object.__str__
    if isinstance(found, bool) or not is_id:
        raise TypeError(
            f"{what}: a {type(found).__name__}: must be an id, such as a str or an int; to use "
            "a part of it, write your own function"
        )
    return str(found)
