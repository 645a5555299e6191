"""Tables and pictures in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers_from: int = 1) -> str:
    """A table; the columns from ``numbers_from`` on are aligned to the right."""
    rules = ["---" if column < numbers_from else "---:" for column in range(len(head))]
    lines = [head, rules, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def picture(name: str, alt: str) -> str:
    """A plot that lies beside the page."""
    return f"![{alt}]({name}.svg)\n"


def not_measured(failures: Mapping[str, str]) -> str:
    """A list of those that could not be measured, each with the reason."""
    return "\n".join(f"- {name} was not measured: {why}" for name, why in failures.items()) + "\n"
