"""The options that say where DynamoDB is."""

from __future__ import annotations

import argparse
from urllib.parse import urlsplit


def add_endpoint(command: argparse.ArgumentParser) -> None:
    """Add ``--endpoint-url`` and ``--region``."""
    command.add_argument(
        "--endpoint-url",
        type=_url,
        metavar="URL",
        help="a DynamoDB endpoint, such as http://localhost:8000 (default: AWS's for the region)",
    )
    command.add_argument("--region", metavar="NAME", help="an AWS region (default: as configured)")


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        complete = False
    if not complete:
        raise argparse.ArgumentTypeError(f"{text!r}: write http://HOST:PORT or https://HOST")
    return text
