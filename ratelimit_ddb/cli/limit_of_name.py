"""The limit of an item's attribute, from the attribute's name.

The name of a limit is its notation (limit.py, quota.py), which can be parsed, unless it was given a
name of its own.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ratelimit_ddb.limit import AnyLimit, Limit
from ratelimit_ddb.quota import Quota

_QUOTA = re.compile(
    r"(?P<quantity>[0-9]+)-per-calendar-(?P<period>[a-z]+)"
    r"(?: -in-(?P<zone>.+?) )? (?: -anchor-(?P<anchor>[0-9-]+) )?",
    re.VERBOSE | re.ASCII,
)


@lru_cache(maxsize=1_024)
def limit_of_name(name: str) -> AnyLimit | None:
    """The limit that has this name by default; None if the name was given to a limit."""
    try:
        limit = _parsed(name)
    except ValueError:
        return None
    return limit if limit.name == name else None


def _parsed(name: str) -> AnyLimit:
    quota = _QUOTA.fullmatch(name)
    if quota is None:
        return Limit.parse(name.replace("-", " "))
    zone = "" if quota["zone"] is None else f" in {quota['zone']}"
    anchor = "" if quota["anchor"] is None else f" anchor {quota['anchor']}"
    return Quota.parse(f"{quota['quantity']} per calendar {quota['period']}{zone}{anchor}")
