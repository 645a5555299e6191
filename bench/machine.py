"""What was measured on, and with what."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from bench import session_peers
from bench.environment import ROOT, CannotInstall, python_with, versions_in
from bench.lineup import ALL_ENTRIES

OURS = ("boto3", "botocore", "httptools", "locust", "starlette", "uvicorn", "uvloop", "waitress")


def described() -> dict[str, Any]:
    """The machine and the date."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gigabytes": _memory_gigabytes(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "compiler": platform.python_compiler(),
        "commit": _commit(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def versions() -> dict[str, str]:
    """Versions of all packages and programs measured; of peers in their environments."""
    found = {"ratelimit-ddb": importlib.metadata.version("ratelimit-ddb")}
    for name in OURS:
        found[name] = importlib.metadata.version(name)
    every = [entry.packages for entry in (*ALL_ENTRIES, *session_peers.LINEUP)]
    for packages in dict.fromkeys(packages for packages in every if packages):
        try:
            found |= versions_in(python_with(packages), packages[:1])
        except CannotInstall as failure:
            found[packages[0]] = f"not installed: {failure}"
    found["java"] = _first_line(["java", "-version"])
    return found


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gigabytes() -> int | None:
    if "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)


def _commit() -> str:
    if shutil.which("git") is None:
        return "unknown"
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _first_line(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return "not installed"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].split(" Copyright")[0].strip()
