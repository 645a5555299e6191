"""An engine's replies to one client, by kind of request, to be played back at no cost.

Peers put their questions in their own ways, so a made-up reply would not do for them. Two requests
are of one kind if they have the same target and update expression, and both or neither are about
keys that are denied.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

DENIED = b"denied"
"""In each key that has nothing left."""

OK = 200

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


def _nearest(kind: bytes) -> bytes:
    """What stands for all kinds of the same target."""
    return kind.split(b"|", 1)[0] + b"?"


@dataclass(slots=True)
class Recording:
    """A reply to each kind of request: for a key that is admitted a success, else the last.

    A key in use mostly gets a success, which costs its client least.
    Which reply comes last is chance, and differs between runs.

    Attributes:
        answers: status and body.
    """

    answers: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)

    def note(self, request: bytes, status: int, body: bytes) -> None:
        """Keep a reply for requests of this kind, and for requests of no known kind."""
        kind = kind_of(request)
        for known_as in (kind, _nearest(kind)):
            before, _ = self.answers.get(known_as, (0, b""))
            if before != OK or status == OK or kind.endswith(DENIED):
                self.answers[known_as] = (status, body)

    def kind_of(self, request: bytes) -> bytes:
        """The kind of a request, or of what was recorded and is nearest to it."""
        kind = kind_of(request)
        return kind if kind in self.answers else _nearest(kind)

    def answer_to(self, kind: bytes) -> tuple[int, bytes]:
        """The reply to play; for a kind that was never recorded an error, so that it shows."""
        mistake = (400, b'{"__type":"ValidationException","message":"never recorded: %b"}' % kind)
        return self.answers.get(kind, mistake)
