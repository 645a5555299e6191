"""``python -m sessions``: the command ``ddb-sessions``."""

from __future__ import annotations

import sys

from sessions.cli import main

if __name__ == "__main__":
    sys.exit(main())
