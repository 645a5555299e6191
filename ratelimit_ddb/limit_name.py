"""The name of a limit: that of its attribute in the table."""

from __future__ import annotations

import re

from ddbwire.arguments import plain_text, shown

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


def require_limit_name(name: object) -> str:
    """Check a limit's name.

    Raises:
        ValueError: it is not one; with the value and the rule.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"limit name {shown(name)}: must be 1 to 64 letters, digits, '_', '.' or '-'"
        )
    return plain_text(name)
