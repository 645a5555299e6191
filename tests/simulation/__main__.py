"""Plays one history again: ``python -m tests.simulation SEED`` tells it, broken or not."""

from __future__ import annotations

import sys

from tests.simulation.history import play
from tests.simulation.narrator import Broken, require_promises, story_of


def main() -> int:
    """Tell the history of the seed given; exit 1 if it breaks a promise."""
    history = play(int(sys.argv[1]))
    try:
        require_promises(history)
    except Broken as broken:
        sys.stdout.write(f"BROKEN {broken}\n")
        return 1
    sys.stdout.write(f"kept {story_of(history)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
