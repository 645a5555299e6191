"""The whole run, and its report: raw figures, plots and one page.

python -m bench.report                            # all of it, into bench/results/
python -m bench.report --out DIR --only canned    # a part; others stay as they are
python -m bench.report --again                    # the hot path once more: do both agree?
python -m bench.report --page-only                # page and plots anew, from the raw figures

``notes`` in the raw figures is written by hand: what has changed in the code since they were
measured, a sentence each. A whole run begins without notes.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import machine
from bench.compare import verdict
from bench.engine import engine, limit_table, set_dummy_credentials
from bench.environment import HOME
from bench.progress import Progress
from bench.results_page.page import page
from bench.results_page.plots import plots
from bench.results_page.raw_results import BACKENDS
from bench.sections import SECTIONS
from bench.workload import FULL, SMOKE, Workload

RESULTS = Path(__file__).parent / "results"
RAW, VERDICT = "raw.json", "verdict.json"
SECOND_RUN = HOME / "second_run.json"
"""Its figures are compared; only the verdict goes into the results."""


def run(raw: dict[str, Any], names: list[str], workload: Workload, raw_file: Path) -> None:
    """Take the figures of these sections into ``raw``, and write them as soon as they are there."""
    progress = Progress()
    progress.section("environments of the peers, made once")
    raw |= {"versions": machine.versions(), "machine": machine.described()}
    raw["workload"] = asdict(workload)
    raw_file.parent.mkdir(parents=True, exist_ok=True)
    with engine() as url, limit_table(url) as table:
        for name in names:
            progress.section(name)
            raw[name] = SECTIONS[name](url, table, workload, progress)
            raw["duration_seconds"] = round(progress.duration_seconds)
            raw_file.write_text(compact_json(raw), encoding="utf-8")
    progress.section(f"all figures are in {raw_file}")


def write_page(out: Path) -> None:
    """Write plots and page of the raw figures that lie there."""
    raw, second_verdict = json_in(out / RAW), json_in(out / VERDICT)
    drawn = plots(raw)
    for name, svg in drawn.items():
        (out / f"{name}.svg").write_text(svg, encoding="utf-8")
    (out / "README.md").write_text(page(raw, set(drawn), second_verdict), encoding="utf-8")


def compact_json(sections: dict[str, Any]) -> str:
    """JSON with a section a line, and no other white space."""
    lines = (
        f"{json.dumps(name)}:{json.dumps(section, separators=(',', ':'))}"
        for name, section in sections.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def json_in(file: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where there is no such file."""
    if not file.exists():
        return {}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Run, and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=RESULTS, help="default: bench/results")
    parser.add_argument("--only", action="append", choices=SECTIONS, metavar="SECTION")
    parser.add_argument("--tiny", action="store_true", help="to see that it works; says nothing")
    parser.add_argument(
        "--again",
        action="store_true",
        help="measure the hot path a second time and write the verdict",
    )
    parser.add_argument("--page-only", action="store_true", help="from the raw figures in --out")
    args = parser.parse_args()
    if not args.page_only:
        set_dummy_credentials()
        raw_file = SECOND_RUN if args.again else args.out / RAW
        raw = json_in(raw_file) if args.only else {}
        names = args.only or list(BACKENDS if args.again else SECTIONS)
        run(raw, names, SMOKE if args.tiny else FULL, raw_file)
        if args.again and (args.out / RAW).exists():
            found = verdict(json_in(args.out / RAW), raw)
            (args.out / VERDICT).write_text(compact_json(found), encoding="utf-8")
        elif set(names) & set(BACKENDS):
            # It compared figures that are now replaced.
            (args.out / VERDICT).unlink(missing_ok=True)
    if (args.out / RAW).exists():
        write_page(args.out)


if __name__ == "__main__":
    main()
