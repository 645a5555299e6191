"""``python -m sessions.demo``: see a session begin, last and end, here and in another browser."""

from __future__ import annotations

import sys

from sessions.demo.command import main

if __name__ == "__main__":
    sys.exit(main())
