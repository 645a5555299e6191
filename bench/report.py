"""The whole run, and its report: raw figures, plots and one page.

python -m bench.report                            # all of it, into bench/results/
python -m bench.report --out DIR --only canned    # a part; others stay as they are
python -m bench.report --page-only                # page and plots anew, from raw.json
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import machine
from bench.effort import TINY, WHOLE, Effort
from bench.engine import as_nobody, engine, limit_table
from bench.page import page
from bench.plots import plots
from bench.progress import Progress
from bench.sections import SECTIONS

RESULTS = Path(__file__).parent / "results"


def run(raw: dict[str, Any], names: list[str], effort: Effort, raw_file: Path) -> None:
    """Take the figures of these sections into ``raw``, and write them as soon as they are there."""
    progress = Progress()
    progress.section("environments of the peers, made once")
    raw |= {"versions": machine.versions(), "machine": machine.described()}
    raw["effort"] = asdict(effort)
    raw_file.parent.mkdir(parents=True, exist_ok=True)
    with engine() as url, limit_table(url) as table:
        for name in names:
            progress.section(name)
            raw[name] = SECTIONS[name](url, table, effort, progress)
            raw["took_seconds"] = round(progress.took_seconds)
            raw_file.write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
    progress.section(f"all figures are in {raw_file}")


def written(raw: dict[str, Any], out: Path) -> None:
    """Write plots and page of raw figures."""
    out.mkdir(parents=True, exist_ok=True)
    drawn = plots(raw)
    for name, svg in drawn.items():
        (out / f"{name}.svg").write_text(svg, encoding="utf-8")
    (out / "README.md").write_text(page(raw, set(drawn)), encoding="utf-8")


def main() -> None:
    """Run, and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=RESULTS, help="default: bench/results")
    parser.add_argument("--only", action="append", choices=SECTIONS, metavar="SECTION")
    parser.add_argument("--tiny", action="store_true", help="to see that it works; says nothing")
    parser.add_argument("--page-only", action="store_true", help="from the raw figures in --out")
    asked = parser.parse_args()
    raw_file = asked.out / "raw.json"
    raw: dict[str, Any] = {}
    if raw_file.exists() and (asked.only or asked.page_only):
        raw = json.loads(raw_file.read_text(encoding="utf-8"))
    if not asked.page_only:
        as_nobody()
        run(raw, asked.only or list(SECTIONS), TINY if asked.tiny else WHOLE, raw_file)
    written(raw, asked.out)


if __name__ == "__main__":
    main()
