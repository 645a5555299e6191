"""What users' functions are called with: of each decision, and of a denial."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.response.answer import Answer
from ratelimit_ddb.web.rules.verdict import RuleDecision, Verdict

OnDecision = Callable[[RuleDecision], None]
"""Told of a rule's decision."""

OnDenied = Callable[[Request, Verdict, Answer], Answer | Awaitable[Answer]]
"""Makes the answer to a denied request, of the request, the verdict and the answer there would
be."""
