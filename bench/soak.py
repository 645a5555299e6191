"""Minutes of load on a site with limits and sessions on DynamoDB Local: is memory flat?

    python -m bench.soak                        # half a minute, to see that it works
    python -m bench.soak --minutes 10 --keep    # what bench/results has (`make soak`)

Half of the time a site for ASGI, half of it one for WSGI, each by Locust, whose visitors check that
their cart holds what they put into it. The server's resident memory is sampled each second.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from bench import machine
from bench.engine import engine, set_dummy_credentials
from bench.load import USERS, Run, measured, shown
from bench.memory_growth import growth, missed
from bench.progress import Progress
from bench.report import RESULTS, keep_section

SITES = ("AsgiSiteUser", "WsgiSiteUser")
KEPT_SAMPLES = 60


def of_site(user: str, seconds: int, progress: Progress) -> dict[str, Any]:
    """One site's load, with how its memory grew; or ``failure``, with the reason."""
    with engine() as url:
        (found,) = measured([Run(user, "zipf", url)], seconds, progress)
    if "failure" in found or not found["requests"]:
        return found
    megabytes = found.pop("megabytes")
    every = max(1, len(megabytes) // KEPT_SAMPLES)
    return {
        **found,
        "megabytes": megabytes[::every],
        "seconds_a_sample": seconds / len(megabytes) * every,
        "growth": growth(megabytes, found["requests"]),
    }


def main() -> int:
    """Load both, print what came of it; 1 if an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=0.5, help="of both together")
    parser.add_argument("--keep", action="store_true", help="put the figures into bench/results")
    args = parser.parse_args()
    set_dummy_credentials()
    began, described = time.monotonic(), machine.described()
    progress = Progress()
    progress.section(f"Locust, {args.minutes:g} minutes")
    seconds = max(5, round(args.minutes * 60 / len(SITES)))
    runs = [of_site(user, seconds, progress) for user in SITES]
    print(f"\n{USERS} visitors, {seconds} s each, on DynamoDB Local")
    for run in runs:
        print(f"  {shown(run)}")
        if "growth" in run:
            print("    memory {before:.1f} to {after:.1f} MB, ".format(**run["growth"]), end="")
            print("{kilobytes_per_1000:+.2f} KB in 1,000 requests".format(**run["growth"]))
        print(f"    aims: {'; '.join(missed(run, seconds)) or 'met'}")
    if args.keep:
        figures = {"seconds": seconds, "users": USERS, "runs": runs}
        keep_section(RESULTS, "soak", figures, described, time.monotonic() - began)
    return int(any(missed(run, seconds) for run in runs))


if __name__ == "__main__":
    sys.exit(main())
