"""Keys: any non-empty text, or parts, which are joined so that different parts make different keys.

An int becomes its decimal text, alone and as a part: most ORMs number users by ``user.id``.

A partition key has at most 2,048 bytes of UTF-8 (AWS: "Quotas and limits in DynamoDB"). A longer
key, and one that can't be encoded (a lone surrogate), keeps its beginning and ends in the digest of
the whole. A text that already has such an ending is digested as well, so no two texts share a
bucket.

The slots of a key are in an item of their own, whose key is the key and ``:slots``: in the bucket's
item they would make each of its writes cost more. A text that ends so is digested as well, so that
no bucket is in an item of slots.
"""

from __future__ import annotations

from ddbwire.arguments import plain_text, shown

KeyLike = str | int | tuple[str | int, ...]
"""A key as users write it: a text, an int, or parts such as ``("api", user.id, "endpoint")``."""

LONGEST_BYTES = 2_048
_OF_SLOTS = ":slots"
_ENDING_OF_SLOTS = len(_OF_SLOTS)
_NO_TEXT = b"\xff"
"""Begins what is digested of a text that ends as the keys of slots do: no text begins so."""
_MARK = "~sha256:"
_ENDING_BYTES = len(_MARK) + 64

KEY_OF_NO_BUCKET = f"{_MARK}{0:064x}"
"""The key of no bucket: a key ends so only if it has that digest."""


def key_text(key: KeyLike) -> str:
    """The text that the table holds for a key.

    Parts are joined by ``:``; a ``%`` or ``:`` inside a part becomes ``%25`` or ``%3A``. An int is
    its decimal text, so ``17`` and ``"17"`` are one key.

    Raises:
        TypeError: the key is neither a str nor an int, bool excepted, nor a tuple of these.
        ValueError: the key is empty.
    """
    text = key if type(key) is str and key else _whole(key)
    if text.isascii() and len(text) < _ENDING_BYTES and text[-_ENDING_OF_SLOTS:] != _OF_SLOTS:
        return text
    return _bounded(text)


def slots_key_text(key: str) -> str:
    """The key of the slots of a key; no bucket has it.

    Args:
        key: as the table holds it, from ``key_text`` or ``namespaced_key_text``.
    """
    return _fitting(key + _OF_SLOTS)


def namespaced_key_text(namespace: str, key: KeyLike) -> str:
    """The text that the table holds for a key of a namespace: ``"shop:user-123"``.

    Args:
        namespace: the beginning of its keys, from ``namespace_prefix``; empty for none.
        key: as for ``key_text``; what it raises is raised here.
    """
    return _bounded(namespace + _whole(key)) if namespace else key_text(key)


def namespace_prefix(namespace: str) -> str:
    """The prefix of a namespace's keys; empty for no namespace.

    Raises:
        TypeError: the namespace is not a str.
    """
    if not isinstance(namespace, str):
        raise TypeError(f"namespace {shown(namespace)}: must be a str")
    return key_prefix(namespace) if namespace else ""


def key_prefix(*parts: str) -> str:
    """The prefix of every key that begins with these parts; for ``key_text_under``."""
    return _joined(parts) + ":"


def key_text_under(prefix: str, part: str) -> str:
    """What ``key_text((*parts, part))`` returns, for the ``key_prefix`` of these parts."""
    text = prefix + (_escaped(part) if ":" in part or "%" in part else part)
    if text.isascii() and len(text) < _ENDING_BYTES and text[-_ENDING_OF_SLOTS:] != _OF_SLOTS:
        return text
    return _bounded(text)


def part_text(part: object) -> str | None:
    """The text of a key's part: a str as it is, an int in decimal; None for anything else."""
    if isinstance(part, str):
        return plain_text(part)
    if isinstance(part, int) and not isinstance(part, bool):
        return _decimal(part)
    return None


def _decimal(number: int) -> str:
    try:
        return int.__repr__(number)
    except ValueError:  # more digits than Python writes, unless it is asked otherwise
        from decimal import Decimal

        return str(Decimal(number))


def _whole(key: KeyLike) -> str:
    text = key if type(key) is str else _joined(key)
    if not text:
        raise ValueError(
            "key '': must have at least one character; otherwise all callers would share it"
        )
    return text


def _joined(key: object) -> str:
    text = part_text(key)
    if text is not None:
        return text
    parts = [part_text(part) for part in key] if isinstance(key, tuple) else [None]
    if None in parts:
        raise TypeError(
            f"key {shown(key)}: must be a str, an int (bool excepted) or a tuple of these; "
            "for any other id, pass str(id)"
        )
    return ":".join([_escaped(part) for part in parts if part is not None])


def _escaped(part: str) -> str:
    return part.replace("%", "%25").replace(":", "%3A")


def _bounded(text: str) -> str:
    return _digested(text, _NO_TEXT) if text.endswith(_OF_SLOTS) else _fitting(text)


def _fitting(text: str) -> str:
    looks_digested = text[-_ENDING_BYTES:].startswith(_MARK)
    try:
        size_bytes = len(text.encode())
    except UnicodeEncodeError:
        size_bytes = LONGEST_BYTES + 1
    if size_bytes <= LONGEST_BYTES and not looks_digested:
        return text
    return _digested(text)


def _digested(text: str, before: bytes = b"") -> str:
    import hashlib  # 10 ms that importing this package need not spend

    whole = before + text.encode("utf-8", "surrogatepass")
    head = text.encode("utf-8", "replace")[: LONGEST_BYTES - _ENDING_BYTES]
    return head.decode("utf-8", "ignore") + _MARK + hashlib.sha256(whole).hexdigest()
