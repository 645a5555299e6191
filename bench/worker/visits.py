"""A site's process, like that of a contender (bench.worker): its visits, counted in CPU.

    {"command": "start", "module": "bench.session_contenders.flask_site", "target": {...}}
    {"command": "visit", "path": "/write", "times": 100}
    {"command": "forget"}

``python -m bench.worker.visits``. The standard library only, and that site.
"""

from __future__ import annotations

import importlib
import time
from typing import Any

from bench.worker.contender import Target
from bench.worker.serving import serve
from bench.worker.site import Site, cookie_after


class Visits:
    """One site and one visitor of it."""

    def __init__(self) -> None:
        self._site: Site
        self._cookie = ""

    def start(self, module: str, target: dict[str, Any]) -> dict[str, Any]:
        """Make the site, and visit it once, so that its connections are there."""
        self._site = importlib.import_module(module).create(Target(**target))
        for path in ("/write", "/logout"):
            self.visit(path)
        return self.forget()

    def forget(self) -> dict[str, Any]:
        """Come without a cookie next time."""
        self._cookie = ""
        return {}

    def visit(self, path: str, times: int = 1) -> dict[str, Any]:
        """Ask for a page; the CPU of a request, user and system, all threads, and its wait."""
        began_ns, began_cpu_ns = time.perf_counter_ns(), time.process_time_ns()
        for _ in range(times):
            self._cookie = cookie_after(self._cookie, self._site.get(path, self._cookie))
        cpu_ns, wall_ns = time.process_time_ns() - began_cpu_ns, time.perf_counter_ns() - began_ns
        return {
            "cpu_us": cpu_ns / times / 1_000,
            "wait_us": wall_ns / times / 1_000,
            "has_cookie": bool(self._cookie),
        }


if __name__ == "__main__":
    serve(Visits())
