"""One section of the report, in a process of its own.

python -m bench.section outage              # prints the figures, as JSON
python -m bench.section outage --tiny       # to see that it works
"""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack
from pathlib import Path

from bench.engine import engine, limit_table, set_dummy_credentials
from bench.progress import Progress
from bench.sections import NEEDS_NO_ENGINE, SECTIONS
from bench.workload import FULL, SMOKE


def main() -> None:
    """Take the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", choices=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--tiny", action="store_true", help="to see that it works; says nothing")
    parser.add_argument("--file", type=Path, help="where to write them; printed unless given")
    args = parser.parse_args()
    set_dummy_credentials()
    progress = Progress()
    progress.section(args.name)
    with ExitStack() as running:
        url = table = ""
        if args.name not in NEEDS_NO_ENGINE:
            url = running.enter_context(engine())
            table = running.enter_context(limit_table(url))
        figures = SECTIONS[args.name](url, table, SMOKE if args.tiny else FULL, progress)
    text = json.dumps(figures)
    if args.file:
        args.file.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
