"""The terminal of a command."""

from __future__ import annotations

import os
from typing import TextIO


def obeys_escapes(stream: TextIO) -> bool:
    """Whether a stream is a terminal that obeys escape sequences, unlike one in an editor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"
