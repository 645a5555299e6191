"""What to write for a limit that was written otherwise than the notation has it.

Other libraries' notations, and what people write by analogy: several limits in one text, months,
digits in groups, fractions. None is guessed at: a limit that was misread would be no limit.
"""

from __future__ import annotations

import re
from fractions import Fraction

from ratelimit_ddb.quota import PERIODS, is_quota_notation

_SEPARATOR = re.compile(r"\s*[;,|&\n]\s*|\s+and\s+|\s+(?=[0-9]+\s*(?:/|per\b))")
_QUANTITY_PER = re.compile(
    r"(?P<quantity>[0-9][0-9.,_' ]*?) (?P<k>k)? (?: \s* (?:requests?|reqs?|calls?|hits?|tokens?) )?"
    r"\s* (?:/|per\b|an?\b|every\b) \s*"
    r"(?P<count>[0-9][0-9.,_']*)? \s* (?P<unit>[a-z]+)"
    r"(?: \s+ burst \s+ (?P<burst>[0-9][0-9.,_']*) )?",
    re.VERBOSE | re.ASCII,
)
_GROUPS = re.compile(r"[0-9]{1,3}(?:[,_' ][0-9]{3})+|[0-9]+(?:_[0-9]+)*", re.ASCII)
_DAYS = {"month": 30, "quarter": 91, "year": 365}
_LONG = {"mo": "month", "mon": "month", "y": "year", "yr": "year"}


def advice(notation: str, examples: str, units: dict[str, int], short: dict[str, str]) -> str:
    """How to write what a text seems to mean; the examples, where that can't be told.

    Args:
        notation: the text, which is not in the notation.
        examples: what to write, in general.
        units: the notation's units, in nanoseconds, the shortest first.
        short: the units that a short one stands for.
    """
    text = notation.strip().lower()
    several = [part for part in _SEPARATOR.split(text) if part]
    if len(several) > 1 and all(_QUANTITY_PER.fullmatch(part) for part in several):
        return f"write several limits as a list, {several}"
    if is_quota_notation(text):
        return f"it is a quota's: write Quota.parse({notation!r})"
    match = _QUANTITY_PER.fullmatch(text)
    if match is None:
        return examples
    return _advice_on(match, units, short) or examples


def _advice_on(match: re.Match[str], units: dict[str, int], short: dict[str, str]) -> str | None:
    quantity = _number(match["quantity"])
    count = _number(match["count"] or "1")
    burst = _number(match["burst"] or "1")
    unit = match["unit"] if match["unit"] in short else match["unit"].removesuffix("s")
    unit = _LONG.get(unit, unit)
    days = _DAYS.get(unit)
    unit_ns = days * units["day"] if days else units.get(short.get(unit, unit))
    if not quantity or not count or not burst or burst.denominator != 1 or unit_ns is None:
        return None
    if match["k"]:
        quantity *= 1_000
    # So many in a period of whole nanoseconds, with the denominator of a fraction in the period.
    period_ns = count * unit_ns * quantity.denominator
    if period_ns.denominator != 1:
        return None
    words = f"'{quantity.numerator} per {_in_words(int(period_ns), units)}"
    words += f" burst {burst}'" if match["burst"] else "'"
    if days:
        quota = f", or a quota, '{quantity} per calendar {unit}'"
        is_whole = unit in PERIODS and count == quantity.denominator == 1
        return f"a {unit} has no length of its own, so write {words}{quota if is_whole else ''}"
    return f"quantities are whole numbers, in digits alone: write {words}"


def _number(text: str) -> Fraction | None:
    if _GROUPS.fullmatch(text):
        return Fraction(re.sub(r"\D", "", text))
    return Fraction(text) if re.fullmatch(r"[0-9]+\.[0-9]+", text, re.ASCII) else None


def _in_words(period_ns: int, units: dict[str, int]) -> str:
    without_weeks = [unit for unit in units if unit != "week"]
    unit = next(unit for unit in reversed(without_weeks) if not period_ns % units[unit])
    count = period_ns // units[unit]
    return unit if count == 1 else f"{count} {unit}s"
