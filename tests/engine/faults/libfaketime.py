"""libfaketime, Debian's package: the wall clock of a process, set from outside while it runs.

``python -m tests.engine.faults.libfaketime`` fetches it into ``.cache/`` of the checkout, where it
is not installed; ``make test`` does so by itself. Without it, workers shift ``time.time`` of their
own interpreter, which is all that the library reads (worker.py).

The monotonic clock is left as it is. Source: README of libfaketime, "Faking the system clock",
"Using the file based fake time".
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "libfaketime"
_LIBRARY = "libfaketimeMT.so.1"
_CACHED = Path(__file__).parents[3] / ".cache" / PACKAGE


def library() -> Path | None:
    """Where it is; None where there is none."""
    for root in (Path("/"), _CACHED):
        for found in sorted(root.glob(f"usr/lib/*/faketime/{_LIBRARY}")):
            return found
    return None


def fetch() -> None:
    """Put the library into the cache, unless it is installed.

    Raises:
        FileNotFoundError: this is no Debian.
        subprocess.CalledProcessError: the package could not be brought.
    """
    if library() is not None:
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["apt-get", "download", "--quiet", PACKAGE],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        (package,) = Path(folder).glob("*.deb")
        shutil.rmtree(_CACHED, ignore_errors=True)
        subprocess.run(["dpkg-deb", "-x", str(package), str(_CACHED)], check=True)


def environment(offset_file: Path | str) -> dict[str, str]:
    """What a process needs in its environment for its clock to be what the file says."""
    found = library()
    if found is None:
        return {}
    return {
        "LD_PRELOAD": str(found),
        "FAKETIME_TIMESTAMP_FILE": str(offset_file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def set_clock(offset_file: Path, wrong_by_seconds: float) -> None:
    """Set the clocks of the processes that were started with this file."""
    # In one step, for they read it at any time.
    new = offset_file.with_suffix(".new")
    new.write_text(f"{wrong_by_seconds:+.3f}\n", encoding="utf-8")
    new.rename(offset_file)


if __name__ == "__main__":
    try:
        fetch()
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        sys.exit(f"libfaketime was not fetched ({error}); clocks are shifted in Python instead")
