"""Greenlets in the place of threads: eventlet, gevent."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.ddbwire.fault_server import FaultServer, reply

PROGRAM = Path(__file__).parent / "green_program.py"
ROOT = PROGRAM.parent.parent.parent
TAKEN = reply({"Attributes": {"fullAt:5-per-minute": {"N": "1700000000000000000"}}})


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield listener.getsockname()[1]


def run_program(library: str, url: str, silent_url: str, **environ: str) -> dict[str, Any]:
    # Importing eventlet here would warn, which is an error.
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    done = subprocess.run(
        [sys.executable, str(PROGRAM), library, url, silent_url],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


LATE = "the deadline passed"
BUSY = "all connections stayed busy"
EXPECTED = {
    "decision": "table",
    "sharing 2 connections": ["answered"],
    "at the deadline": [BUSY, LATE, LATE],
    "sequences": ["answered"],
    "side by side": True,
    "sequences at the deadline": True,
    "after kills": [BUSY, LATE, LATE],
    "declined": ["answered"],
}


@pytest.mark.parametrize("library", ["eventlet", "gevent"])
def test_greenlets_call_wait_in_turn_and_are_killed_without_a_loss(
    server: FaultServer, silent_port: int, library: str
) -> None:
    server.default = TAKEN
    url = f"http://localhost:{server.port}"
    assert run_program(library, url, f"http://127.0.0.1:{silent_port}") == EXPECTED


@pytest.mark.parametrize("library", ["eventlet", "gevent"])
def test_greenlets_call_over_tls(silent_port: int, library: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with FaultServer(tls=context) as server:
        server.default = TAKEN
        silent_url = f"https://127.0.0.1:{silent_port}"
        seen = run_program(library, server.url, silent_url, AWS_CA_BUNDLE=str(tmp_path / "ca.pem"))
    shaking_hands = f"connecting: {LATE}"
    late = [BUSY, shaking_hands, shaking_hands]
    assert seen == EXPECTED | {"at the deadline": late, "after kills": late}
