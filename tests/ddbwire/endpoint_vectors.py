"""botocore's own test vectors for DynamoDB's endpoints.

``python -m tests.ddbwire.endpoint_vectors`` fetches them; ``make test`` does so by itself. They are
in botocore's source distribution, not in its wheel, and lie in ``.cache/`` of the checkout.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import botocore

_NAME = f"botocore-{botocore.__version__}"
_MEMBER = f"{_NAME}/tests/functional/endpoint-rules/dynamodb/endpoint-tests-1.json"
_FILE = Path(__file__).parents[2] / ".cache" / "endpoint-vectors" / f"{_NAME}.json"
HOW_TO_GET_THEM = "needs botocore's vectors: run `python -m tests.ddbwire.endpoint_vectors`"


def cases() -> list[dict[str, Any]]:
    """The parameters of each case and what the endpoint rules make of them; empty if not there."""
    if not _FILE.exists():
        return []
    found: list[dict[str, Any]] = json.loads(_FILE.read_text())["testCases"]
    return found


def fetch() -> None:
    """Put the vectors of the installed botocore into the cache, unless they are there.

    Raises:
        subprocess.CalledProcessError: pip could not bring the source distribution.
        KeyError: it has no vectors.
    """
    if _FILE.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--no-binary", "botocore", "--dest", folder]
        subprocess.run([*command, f"botocore=={botocore.__version__}"], check=True)
        (archive,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(archive) as source:
            member = source.extractfile(_MEMBER)
            assert member is not None, f"{_MEMBER} is not a file"
            _FILE.parent.mkdir(parents=True, exist_ok=True)
            _FILE.write_bytes(member.read())


if __name__ == "__main__":
    try:
        fetch()
    except (subprocess.CalledProcessError, KeyError) as error:
        sys.exit(f"botocore's endpoint vectors were not fetched ({error}); their test will skip")
