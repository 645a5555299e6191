"""The failure of a command, as one line."""

from __future__ import annotations

from ddbwire.endpoint import without_user_information
from ddbwire.errors import ConfigurationError, StoreError


class Misuse(Exception):
    """An invalid argument; the message has the rule."""


def failures() -> tuple[type[BaseException], ...]:
    """The exceptions of a command. An ``except`` clause imports botocore only when needed."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError, ConfigurationError, StoreError)


def sentence(error: BaseException) -> str:
    """The error in one line, with what to do if botocore does not say.

    A store's error is raised from botocore's, and its advice is about arguments in Python.
    """
    for failure in (error, error.__cause__):
        advice = _ADVICE.get(type(failure).__name__)
        if advice is not None:
            return advice
    # Some of botocore's messages, such as those on parameters, have several lines.
    return without_user_information(" ".join(str(error).split()))


_ADVICE = {
    "NoCredentialsError": (
        "no AWS credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    ),
    "PartialCredentialsError": (
        "AWS credentials are incomplete: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        "or AWS_PROFILE"
    ),
    "NoRegionError": "no AWS region found: give --region, or set AWS_DEFAULT_REGION",
}
