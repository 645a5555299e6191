"""Mistakes in the configuration that botocore does not foresee, and raises anything for."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from ddbwire.errors import ConfigurationError
from ddbwire.signing.credentials import UNFORESEEN


@contextmanager
def as_mistake(what: str) -> Iterator[None]:
    """Tell a mistake in the configuration as such, whatever it makes botocore raise.

    Args:
        what: what could not be done, for the message.

    Raises:
        ConfigurationError: botocore raised something of no words of its own.
    """
    try:
        yield
    except (BotoCoreError, ClientError, ConfigurationError):
        raise  # in words of their own
    except UNFORESEEN as error:
        raise ConfigurationError(
            f"{what} ({type(error).__name__}: {error}); check the profile, the AWS_ variables of "
            "the environment, and what they name: programs, files, hosts"
        ) from error
