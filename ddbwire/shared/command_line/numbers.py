"""Numbers as command arguments: in ASCII digits, without separators, and within bounds."""

from __future__ import annotations

import argparse
import re

_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.ASCII | re.IGNORECASE)


def whole_number(text: str, *, least: int, most: int, rule: str | None = None) -> int:
    """An int from ``least`` to ``most``.

    Raises:
        argparse.ArgumentTypeError: it is not; the message has the rule.
    """
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        rule = rule or f"must be an int from {least} to {most}"
        raise argparse.ArgumentTypeError(f"{text!r}: {rule}")
    return int(text)


def decimal_number(
    text: str, *, least: float, most: float, rule: str, is_open: bool = False
) -> float:
    """A number from ``least`` (which is excluded if ``is_open``) to ``most``.

    Raises:
        argparse.ArgumentTypeError: it is not; the message has the rule.
    """
    value = decimal_or_none(text)
    if value is None or not (least < value if is_open else least <= value) or not value <= most:
        raise argparse.ArgumentTypeError(f"{text!r}: {rule}")
    return value


def decimal_or_none(text: str) -> float | None:
    """The number; None if the text is not one, such as ``"-5"``, ``"nan"`` or ``"1_000"``."""
    return float(text) if _DECIMAL.fullmatch(text) else None
