"""Real servers over real sockets, for as long as a block: in a thread, or as a process.

What they log goes where pytest captures output, so a test that fails shows it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest
import uvicorn
import waitress
from waitress import wasyncore

from tests.dynamodb_local import free_port
from tests.rate_limit_table import rate_limit_table

ROOT = Path(__file__).parent.parent.parent
PATIENCE_SECONDS = 20.0
"""How long anything may take that a test waits for, on a machine that stands still at times."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server listens: a port of the loopback, or a unix socket; and how it is spoken to."""

    port: int = 0
    socket_path: str | None = None
    http2: bool = False

    def client(self) -> httpx.Client:
        transport = httpx.HTTPTransport(
            uds=self.socket_path, http1=not self.http2, http2=self.http2, trust_env=False
        )
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port or 80}",
            transport=transport,
            timeout=PATIENCE_SECONDS,
        )

    def connect(self) -> socket.socket:
        if self.socket_path is None:
            return socket.create_connection(("127.0.0.1", self.port), timeout=1)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(self.socket_path)
        except OSError:
            connection.close()
            raise
        return connection


@contextlib.contextmanager
def meeting_point() -> Iterator[tuple[int, Callable[[], socket.socket]]]:
    """A port that an application connects to, to be told when to go on, and what accepts it."""
    with contextlib.ExitStack() as open_sockets:
        listening = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
        listening.settimeout(PATIENCE_SECONDS)

        def met() -> socket.socket:
            connection = open_sockets.enter_context(listening.accept()[0])
            connection.settimeout(PATIENCE_SECONDS)
            return connection

        yield int(listening.getsockname()[1]), met


@contextlib.contextmanager
def shared_table(endpoint: str) -> Iterator[dict[str, str]]:
    """A table, as the environment of servers names it; AWS settings are nobody's."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("AWS_") or name.lower().endswith("_proxy"):
                patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        with rate_limit_table(endpoint) as table:
            yield {"RATE_LIMIT_TABLE": table, "RATE_LIMIT_ENDPOINT": endpoint}


@contextlib.contextmanager
def uvicorn_server(app: Any, socket_path: str | None = None, **options: Any) -> Iterator[Server]:
    """uvicorn in a thread. Its loggers stay as they are: pytest sees what they say."""
    port = 0 if socket_path else free_port()
    config = uvicorn.Config(
        app,
        port=port,
        uds=socket_path,
        log_config=None,
        access_log=False,
        forwarded_allow_ips="127.0.0.1",
        timeout_graceful_shutdown=5,
        **{"lifespan": "on", **options},
    )
    server = uvicorn.Server(config)
    with _thread(server.run) as thread:
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            while not server.started and thread.is_alive() and time.monotonic() < deadline:
                thread.join(0.01)
            if not server.started:
                raise RuntimeError("uvicorn did not start")
            yield Server(port, socket_path)
        finally:
            server.should_exit = True


@contextlib.contextmanager
def waitress_server(app: Any, **options: Any) -> Iterator[Server]:
    """waitress in a thread, with four threads for requests."""
    channels: dict[int, Any] = {}
    server = waitress.create_server(
        app, map=channels, host="127.0.0.1", port=0, threads=4, **options
    )
    with _thread(server.run):
        try:
            yield Server(int(server.effective_port))
        finally:
            # Its sockets are the loop's own to close; with none left, the loop ends. It may be at
            # it already, awake for something else, and then there is no trigger left to pull.
            with contextlib.suppress(OSError):
                server.trigger.pull_trigger(lambda: wasyncore.close_all(channels))
    server.task_dispatcher.shutdown()


@contextlib.contextmanager
def wsgiref_server(app: Any) -> Iterator[Server]:
    """The standard library's server in a thread: HTTP/1.0, one request after the other."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

    with (
        make_server("127.0.0.1", 0, app, handler_class=Quiet) as server,
        _thread(server.serve_forever),
    ):
        try:
            yield Server(server.server_port)
        finally:
            server.shutdown()


@contextlib.contextmanager
def gunicorn_server(
    app: str, *options: str, socket_path: str | None = None, **environment: str
) -> Iterator[Server]:
    """gunicorn as a process of its own, with one worker unless the options say otherwise."""
    server = Server(0 if socket_path else free_port(), socket_path)
    bind = f"unix:{socket_path}" if socket_path else f"127.0.0.1:{server.port}"
    command = ["gunicorn", "--bind", bind, "--workers", "1", "--no-control-socket"]
    command += ["--graceful-timeout", "5"]
    with _process([*command, *options, app], server, environment):
        yield server


@contextlib.contextmanager
def hypercorn_server(app: str, *, http2: bool = False) -> Iterator[Server]:
    """hypercorn with its asyncio worker, in one process."""
    server = Server(free_port(), http2=http2)
    command = ["hypercorn", "--bind", f"127.0.0.1:{server.port}", "--worker-class", "asyncio"]
    command += ["--workers", "0", "--graceful-timeout", "5"]
    with _process([*command, app], server, {}):
        yield server


@contextlib.contextmanager
def _thread(target: Any) -> Iterator[threading.Thread]:
    """A thread that was told to end when the block ends, and then must."""
    thread = threading.Thread(target=target)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(PATIENCE_SECONDS)
        if thread.is_alive():
            raise RuntimeError("the server's thread does not end")


@contextlib.contextmanager
def _process(command: list[str], server: Server, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    try:
        _wait_until_it_listens(process, server)
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], server: Server) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with contextlib.suppress(ConnectionRefusedError, FileNotFoundError):
            server.connect().close()
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start (exit code {process.poll()})")
        time.sleep(0.02)
