"""Mistakes in the configuration for which botocore has no exception of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from ddbwire.endpoint import without_user_information
from ddbwire.errors import ConfigurationError
from ddbwire.signing.credentials import is_provider_outage

_UNFORESEEN = (
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)
"""Exceptions of botocore that are not its own classes: for a program or a file that does not exist,
an invalid answer of a credentials' provider, an invalid host name, a question for the code of an
MFA device without a terminal."""


@contextmanager
def as_mistake(what: str) -> Iterator[None]:
    """Raise a mistake in the configuration as ConfigurationError, whatever botocore raises.

    Args:
        what: what could not be done, for the message.

    Raises:
        ConfigurationError: botocore raised an exception that does not explain the mistake. One of
            an outage is left as it is.
    """
    try:
        yield
    except (BotoCoreError, ClientError, ConfigurationError):
        raise  # their messages explain it
    except _UNFORESEEN as error:
        if is_provider_outage(error):
            raise
        why = without_user_information(str(error))
        raise ConfigurationError(
            f"{what} ({type(error).__name__}: {why}); check the profile, the AWS_ variables of "
            "the environment, and what they name: programs, files, hosts"
        ) from error
