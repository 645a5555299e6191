"""The style and the scripts, as files beside the site."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent.parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class StaticFile(NamedTuple):
    """A file to serve as it is."""

    content_type: str
    content: bytes


FILES = {
    f"/static/{path.name}": StaticFile(_TYPES[path.suffix], path.read_bytes())
    for path in FOLDER.iterdir()
    if path.suffix in _TYPES
}
"""By the path that they are served at. No path of a request is looked up in the file system."""
