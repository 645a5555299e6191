"""The limit of it all: a C client, wrk, replaying one signed request to the canned server.

It shows what the server can answer, and what sending and reading bytes costs where nothing is
signed, parsed or decided.
"""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.canned_server import canned_server
from bench.contenders.update_item import update_item
from bench.cores import ALLOWED, CLIENT
from bench.worker.contender import ROOMY
from bench.workload import Workload

HOW_TO_GET_IT = "wrk is not installed (Debian: apt-get install wrk)"
LEAST_SECONDS = 1


def measured(workload: Workload) -> dict[str, Any]:
    """CPU a request and requests a second, by concurrency; or why not."""
    if shutil.which("wrk") is None:
        return {"failure": HOW_TO_GET_IT}
    results: dict[str, Any] = {}
    with canned_server() as url, tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "request.lua"
        script.write_text(_lua(signed_request(url)), encoding="utf-8")
        for _ in range(workload.rounds):
            for concurrency in workload.concurrencies:
                figures = _round(url, script, concurrency)
                of_these = results.setdefault(str(concurrency), {})
                for figure, value in figures.items():
                    of_these.setdefault(figure, []).append(value)
    return {"results": results}


def signed_request(url: str) -> tuple[dict[str, str], str]:
    """Headers and body of one UpdateItem, signed by botocore."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    body = json.dumps(update_item("limits", "user-1", ROOMY))
    headers = {
        "X-Amz-Target": "DynamoDB_20120810.UpdateItem",
        "Content-Type": "application/x-amz-json-1.0",
    }
    request = AWSRequest("POST", url + "/", headers, body)
    SigV4Auth(Credentials("bench", "bench"), "dynamodb", "us-east-1").add_auth(request)
    return dict(request.headers.items()), body


def _lua(request: tuple[dict[str, str], str]) -> str:
    headers, body = request
    lines = ['wrk.method = "POST"', f"wrk.body = [==[{body}]==]"]
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
    return "\n".join(lines) + "\n"


def _round(url: str, script: Path, concurrency: int) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["wrk", "-t1", f"-c{concurrency}", f"-d{LEAST_SECONDS}s", "-s", str(script), url]
    if shutil.which("taskset"):
        command = ["taskset", "-c", str(ALLOWED[CLIENT]), *command]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = re.search(r"([0-9]+) requests in", done.stdout)
    assert found is not None, done.stdout
    requests = int(found[1])
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "cpu_us": round(cpu_seconds / requests * 1e6, 2),
        "per_second": round(requests / seconds, 1),
    }
