"""What an engine answered one client, by kind of request: to be played back to it at no cost.

Peers put their questions in their own ways, so a made-up reply would not do for them. Two requests
are of one kind if they have the same target and update expression, and both or neither are about
keys that are denied.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

DENIED = b"denied"
"""In each key that has nothing left."""

_TARGET = re.compile(rb"\r\nx-amz-target: *([^\r]+)", re.IGNORECASE)
_EXPRESSION = re.compile(rb'"UpdateExpression": *"((?:[^"\\]|\\.)*)"')


def kind_of(request: bytes) -> bytes:
    """The kind of a request, given with its head."""
    target = _TARGET.search(request)
    expression = _EXPRESSION.search(request)
    return b"|".join(
        (
            target[1] if target else b"",
            expression[1] if expression else b"",
            DENIED if DENIED in request else b"",
        )
    )


@dataclass(slots=True)
class Recording:
    """The last answer to each kind of request.

    Attributes:
        answers: status and body.
    """

    answers: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)

    def kind_of(self, request: bytes) -> bytes:
        """The kind of a request, or of what was recorded and is nearest to it."""
        kind = kind_of(request)
        return kind if kind in self.answers else kind.split(b"|", 1)[0] + b"?"

    def answer_to(self, kind: bytes) -> tuple[int, bytes]:
        """What to play; a kind that was never asked is answered with a mistake, to be seen."""
        mistake = (400, b'{"__type":"ValidationException","message":"never recorded: %b"}' % kind)
        return self.answers.get(kind, mistake)
