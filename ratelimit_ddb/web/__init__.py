"""Rules for web applications, and what they are made of: the same over ASGI and WSGI.

    rules = [
        Rule("/login", "5/minute", methods="POST"),
        Rule("/api/*", ["10/second", "1000/hour"], by=header("x-api-key")),
    ]
    app = RateLimitMiddleware(app, store=store, rules=rules)

The middleware is in ratelimit_ddb.asgi and ratelimit_ddb.wsgi.
"""

from ratelimit_ddb.web.gate.ledger import reservation_of, verdict_of
from ratelimit_ddb.web.gate.options import DEFAULTS, GateOptions, ViewOptions
from ratelimit_ddb.web.gate.request_reservation import RequestReservation
from ratelimit_ddb.web.identity.client_address import client_address
from ratelimit_ddb.web.identity.identity import (
    bearer_claim,
    cookie,
    digest_of,
    everyone,
    header,
    session_user,
)
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.response.denial_response import DenialResponse
from ratelimit_ddb.web.response_head import ResponseHead
from ratelimit_ddb.web.rules.access_list import AccessList
from ratelimit_ddb.web.rules.rule import Rule
from ratelimit_ddb.web.rules.rules_file import RulesFile
from ratelimit_ddb.web.rules.rules_toml import RulesError
from ratelimit_ddb.web.rules.verdict import RuleDecision, Verdict

__all__ = [
    "DEFAULTS",
    "AccessList",
    "DenialResponse",
    "GateOptions",
    "Request",
    "RequestReservation",
    "ResponseHead",
    "Rule",
    "RuleDecision",
    "RulesError",
    "RulesFile",
    "Verdict",
    "ViewOptions",
    "bearer_claim",
    "client_address",
    "cookie",
    "digest_of",
    "everyone",
    "header",
    "reservation_of",
    "session_user",
    "verdict_of",
]
