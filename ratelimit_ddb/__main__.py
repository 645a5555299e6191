"""``python -m ratelimit_ddb``: the command ``ratelimit-ddb``."""

from __future__ import annotations

import sys

from ratelimit_ddb.cli import main

if __name__ == "__main__":
    sys.exit(main())
