"""The whole run, and its report: raw figures, plots and pages.

python -m bench.report                            # all of it, into bench/results/
python -m bench.report --only canned --only engine   # some; the others stay as they are
python -m bench.report --again                    # the hot path once more: do both agree?
python -m bench.report --page-only                # pages and plots anew, from the raw figures
python -m bench.report --merge faults FILE        # a section that another command wrote, as JSON

Each section runs in a process of its own and is kept as soon as it is there, so one that fails or
hangs costs only its own figures: those that it had stay, and the page says so. The long load
(bench.soak) and the faults tried have commands of their own, whose figures keep_section() puts into
the same file. ``faults`` is ``{"rows": [{"fault": "kill -9 ...", "promise": "P1, P12", "tried": 10,
"violations": 0}]}``.

``notes`` in the raw figures is written by hand: what has changed in the code since they were
measured, a sentence each. A whole run begins without notes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import machine, raw_file
from bench.compare import verdict
from bench.environment import HOME, ROOT
from bench.own_process import failure_of
from bench.progress import Progress
from bench.results_page.pages import pages
from bench.results_page.plots import plots
from bench.results_page.raw_results import BACKENDS
from bench.results_page.summary import with_figures
from bench.sections import MEASURED_APART, SECTIONS
from bench.workload import FULL, SMOKE

RESULTS = Path(__file__).resolve().parent / "results"
README = ROOT / "README.md"
RAW, VERDICT = "raw.json", "verdict.json"
SECOND_RUN = HOME / "second_run.json"
"""Its figures are compared; only the verdict goes into the results."""
MOST_SECONDS = 600
"""For one section; the longest takes a quarter of it."""


def run(file: Path, names: Sequence[str], *, is_tiny: bool) -> list[str]:
    """Take the figures of these sections into the file, each as soon as it is there.

    Returns:
        the names of those that failed.
    """
    progress = Progress()
    described = machine.described()
    progress.section(f"{len(names)} sections; load of the machine before it: {described['load']}")
    raw = raw_file.read(file)
    raw |= {"machine": described, "workload": asdict(SMOKE if is_tiny else FULL)}
    progress.section("environments of the peers, made once")
    raw_file.write(file, raw | {"versions": machine.versions()})
    failed = []
    for done, name in enumerate(names):
        began = time.monotonic()
        command = [sys.executable, "-m", "bench.section", name, *(["--tiny"] if is_tiny else [])]
        with tempfile.TemporaryDirectory() as folder:
            figures = Path(folder) / "figures.json"
            reason = failure_of([*command, "--file", str(figures)], MOST_SECONDS)
            if reason is None:
                found = json.loads(figures.read_text(encoding="utf-8"))
                raw_file.keep(file, name, found, described, time.monotonic() - began)
            else:
                failed.append(name)
                raw_file.keep_failure(file, name, reason, described)
        progress.section(f"{done + 1} of {len(names)}, {name}: {reason or 'done'}")
    return failed


def keep_section(
    out: Path, section: str, figures: Any, described: dict[str, Any], seconds: float
) -> None:
    """Keep the figures of a section that has a command of its own, and write the pages anew.

    Args:
        out: where the results are.
        section: one of MEASURED_APART.
        figures: anything that JSON has.
        described: machine.described(), of before it began.
        seconds: what it took.
    """
    if section not in MEASURED_APART:
        raise ValueError(f"section {section!r}: expected one of {', '.join(MEASURED_APART)}")
    raw_file.keep(out / RAW, section, figures, described, seconds)
    write_pages(out)


def write_pages(out: Path) -> None:
    """Write plots and pages of the raw figures that lie there; of the kept ones README.md too."""
    raw, second_verdict = raw_file.read(out / RAW), raw_file.read(out / VERDICT)
    drawn = plots(raw)
    for name, svg in drawn.items():
        (out / f"{name}.svg").write_text(svg, encoding="utf-8")
    for name, text in pages(raw, set(drawn), second_verdict).items():
        (out / name).write_text(text, encoding="utf-8")
    if out.resolve() == RESULTS:
        text = with_figures(README.read_text(encoding="utf-8"), raw)
        README.write_text(text, encoding="utf-8")


def main() -> int:
    """Run, and write; 1 if a section failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=RESULTS, help="default: bench/results")
    parser.add_argument(
        "--only", action="append", choices=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS)
    )
    parser.add_argument("--tiny", action="store_true", help="to see that it works; says nothing")
    parser.add_argument(
        "--again",
        action="store_true",
        help="measure the hot path a second time and write the verdict",
    )
    parser.add_argument("--page-only", action="store_true", help="from the raw figures in --out")
    parser.add_argument(
        "--merge",
        nargs=2,
        metavar=("SECTION", "FILE"),
        help=f"keep what another command wrote: {', '.join(MEASURED_APART)}",
    )
    args = parser.parse_args()
    if args.merge:
        section, file = args.merge
        keep_section(args.out, section, raw_file.read(Path(file)), machine.described(), 0)
        return 0
    failed: list[str] = []
    if not args.page_only:
        file = SECOND_RUN if args.again else args.out / RAW
        names = args.only or list(BACKENDS if args.again else SECTIONS)
        if not args.only:
            _begin_whole_run(file)
        failed = run(file, names, is_tiny=args.tiny)
        if args.again and (args.out / RAW).exists():
            found = verdict(raw_file.read(args.out / RAW), raw_file.read(file))
            raw_file.write(args.out / VERDICT, found)
        elif set(names) & set(BACKENDS):
            # It compared figures that are now replaced.
            (args.out / VERDICT).unlink(missing_ok=True)
    if (args.out / RAW).exists():
        write_pages(args.out)
    for name in failed:
        print(f"failed: {name}; `--only {name}` takes it alone", file=sys.stderr)
    return int(bool(failed))


def _begin_whole_run(file: Path) -> None:
    """Drop the notes, and sections that are no longer taken; the others stay until they are."""
    raw = raw_file.read(file)
    known = {*SECTIONS, *MEASURED_APART}
    kept = {name: part for name, part in raw.items() if name in known or name in raw_file.ABOUT}
    kept.pop("notes", None)
    raw_file.write(file, kept)


if __name__ == "__main__":
    sys.exit(main())
