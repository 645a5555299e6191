"""Mutants that nobody could tell from the code, each with the reason."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

EQUIVALENT: dict[str, dict[str, str]] = {}
"""By file, the changed line as it reads then, and why it is as good."""


def is_equivalent(mutant: Mutant) -> bool:
    """Whether it is one of those."""
    known = EQUIVALENT.get(mutant.module, {})
    added = [line[1:].strip() for line in mutant.change().splitlines() if line.startswith("+")]
    return bool(known) and " ".join(added) in known
