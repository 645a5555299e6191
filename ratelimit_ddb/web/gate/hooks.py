"""The functions that users give: called with each decision, and with a denial."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.response.denial_response import DenialResponse
from ratelimit_ddb.web.rules.verdict import RuleDecision, Verdict

OnDecision = Callable[[RuleDecision], None]
"""Called with each rule's decision."""

OnDenied = Callable[[Request, Verdict, DenialResponse], DenialResponse | Awaitable[DenialResponse]]
"""Returns the answer to a denied request; called with the request, the verdict and the default
answer."""
