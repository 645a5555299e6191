"""DynamoDB Local, AWS's own emulator: fetch it once, start it, stop it.

``python -m tests.dynamodb_local`` fetches; ``make test`` does so by itself. The jar comes from the
npm package ``amplify-dynamodb-simulator`` and lies in ``.cache/`` of the checkout.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "amplify-dynamodb-simulator@2.9.30"
HOME = Path(__file__).parent.parent / ".cache" / "dynamodb-local"
JAR = HOME / "DynamoDBLocal.jar"
HOW_TO_GET_IT = (
    "needs DynamoDB Local: set DYNAMODB_ENDPOINT_URL, or install Java 17 and npm and run "
    "`python -m tests.dynamodb_local`"
)


def missing() -> str | None:
    """Why the engine can't be started here, in a word; None when it can."""
    if shutil.which("java") is None:
        return "no java"
    if not JAR.exists():
        return "no jar"
    return None


def fetch() -> None:
    """Put the jar and its native libraries into the cache, unless they are there.

    Raises:
        subprocess.CalledProcessError: npm could not bring the package, or tar not unpack it.
    """
    if JAR.exists():
        return
    HOME.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=HOME.parent) as folder:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True)
        (archive,) = Path(folder).glob("*.tgz")
        subprocess.run(["tar", "-xzf", archive.name], cwd=folder, check=True)
        shutil.rmtree(HOME, ignore_errors=True)
        (Path(folder) / "package" / "emulator").rename(HOME)


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    seconds_to_start: float = 60.0, *, shared: bool = True, optimized: bool = False
) -> Iterator[str]:
    """The endpoint URL of an engine that lives as long as the block.

    Args:
        seconds_to_start: how long it may take to listen.
        shared: whether every access key and region sees the same tables.
        optimized: see ``start``.

    Raises:
        RuntimeError: it ended, or did not listen, within ``seconds_to_start``.
    """
    port = free_port()
    engine = start(port, shared=shared, optimized=optimized)
    try:
        wait_until_it_listens(engine, port, time.monotonic() + seconds_to_start)
        yield f"http://127.0.0.1:{port}"
    finally:
        engine.terminate()
        engine.wait()


def start(
    port: int, *, shared: bool = True, folder: Path | None = None, optimized: bool = False
) -> subprocess.Popen[bytes]:
    """The process of an engine that will listen on a port.

    Args:
        port: where.
        shared: whether every access key and region sees the same tables.
        folder: where it keeps the tables' files; None to keep them in memory.
        optimized: whether Java's second compiler works on it, as by default: after some minutes
            requests take less. Until then half of the engine's CPU time is the compiler's.
    """
    options = [] if optimized else ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    command = ["java", *options, "-Djava.library.path=./DynamoDBLocal_lib", "-jar", JAR.name]
    command += ["-inMemory"] if folder is None else ["-dbPath", str(folder)]
    command += [*(["-sharedDb"] if shared else []), "-port", str(port)]
    return subprocess.Popen(command, cwd=HOME, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_until_it_listens(engine: subprocess.Popen[bytes], port: int, deadline: float) -> None:
    """Return once it takes connections.

    Args:
        engine: its process.
        port: where it is to listen.
        deadline: how long to wait for it, by ``time.monotonic()``.

    Raises:
        RuntimeError: it ended, or the deadline passed.
    """
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        if engine.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"DynamoDB Local did not start (exit code {engine.poll()})")
        time.sleep(0.05)


if __name__ == "__main__":
    try:
        fetch()
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        sys.exit(f"DynamoDB Local was not fetched ({error}); tests that need it will skip")
