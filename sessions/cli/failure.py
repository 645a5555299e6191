"""What a command fails of, as one line."""

from __future__ import annotations


class Misuse(Exception):
    """An argument that can't hold, with the rule."""


def sentence(error: BaseException) -> str:
    """The error in one line; where the store's way out is an argument of Python, the command's."""
    advice = _ADVICE.get(type(error.__cause__).__name__)
    if advice is not None:
        return advice
    # Some of botocore's messages, such as those on parameters, have several lines.
    return " ".join(str(error).split())


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
