"""What a user of the command did wrong."""

from __future__ import annotations


class Misuse(Exception):
    """An argument that can't hold, with the rule."""
