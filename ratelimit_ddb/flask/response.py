"""A denial as Flask's response or as its error handler answers it, and the limits' fields."""

from __future__ import annotations

import functools
from typing import Any

import flask
from werkzeug.exceptions import Forbidden, HTTPException, ServiceUnavailable, TooManyRequests

from ratelimit_ddb.operations.steps import run_steps
from ratelimit_ddb.web.gate.ledger import Ledger
from ratelimit_ddb.web.gate.view_denials import give_back_by_denial
from ratelimit_ddb.web.response.denial import denial_of, sentence
from ratelimit_ddb.web.response.denial_response import DenialResponse
from ratelimit_ddb.web.response.fields import fields_beside
from ratelimit_ddb.web.rules.verdict import Verdict


def handled_by_app(
    response: flask.Response, answer: DenialResponse, verdict: Verdict
) -> flask.Response:
    """What the app's error handler makes of a denial; the response itself where it has none."""
    denial = denial_of(verdict)
    # The response is that of the exception too, for handlers that pass it on.
    error: HTTPException
    if denial.status == 403:
        error = Forbidden(sentence(denial), response)
    else:
        kind = TooManyRequests if denial.status == 429 else ServiceUnavailable
        error = kind(sentence(denial), response, denial.retry_after_seconds)
    handled: Any = flask.current_app.handle_http_exception(error)
    if handled is error:
        return response
    if handled is None:  # to Flask, nothing was answered, and the view would be called
        raise TypeError(
            f"the error handler for {denial.status} returned None: it must return a response, such "
            "as error.get_response()"
        )
    flask.after_this_request(functools.partial(_with_missing, answer))
    # Not a tuple or a dict, which a decorator further out would take for a value of the view's.
    return flask.current_app.make_response(handled)


def response_of(answer: DenialResponse) -> flask.Response:
    """An answer as Flask sends it, of the app's own class of responses."""
    response = flask.current_app.response_class([answer.body], answer.status)
    response.headers.clear()  # Flask's default type is not the answer's
    response.headers.extend(answer.headers)
    return response


def with_fields(ledger: Ledger, response: flask.Response) -> flask.Response:
    """A response with the fields of limits added.

    If it is a denial by the limit of a view, what was taken for the request is given back first.
    """
    if response.status_code in ledger.denied_with:
        run_steps(give_back_by_denial(ledger))
    for name, value in fields_beside(response.headers.keys(), ledger.fields()):
        response.headers.add(name, value)
    return response


def _with_missing(answer: DenialResponse, response: flask.Response) -> flask.Response:
    """A handler's response with what it must tell of the denial, if it does not yet."""
    for name, value in answer.headers:
        if name == "retry-after" or "ratelimit" in name:
            response.headers.setdefault(name, value)
    return response
