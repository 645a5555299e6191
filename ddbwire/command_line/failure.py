"""What a command fails of, as one line."""

from __future__ import annotations

import re

from ddbwire.errors import ConfigurationError, StoreError

_USER_INFORMATION = re.compile(r"""(?<=://)[^/@\s"']+@""")


class Misuse(Exception):
    """An argument that can't hold, with the rule."""


def failures() -> tuple[type[BaseException], ...]:
    """What a command may raise. Evaluated only when one did, so botocore is imported late."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError, ConfigurationError, StoreError)


def sentence(error: BaseException) -> str:
    """The error in one line, with what to do about it where botocore does not say.

    A store's error was raised from botocore's, and its way out is an argument of Python.
    """
    for failure in (error, error.__cause__):
        advice = _ADVICE.get(type(failure).__name__)
        if advice is not None:
            return advice
    # Some of botocore's messages, such as those on parameters, have several lines.
    return _USER_INFORMATION.sub("", " ".join(str(error).split()))


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
