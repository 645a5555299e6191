"""The version of the distribution that the packages here are installed from."""

from __future__ import annotations

DISTRIBUTION = "ratelimit-ddb"


def installed_version() -> str:
    """The version of the distribution, by the metadata that pip left.

    Raises:
        AttributeError: there is none, as where the packages' folders were copied. It is raised
            where ``__version__`` is asked for.
    """
    from importlib import metadata  # 20 ms that importing the packages need not spend

    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError as error:
        raise AttributeError(
            f"__version__: the metadata of {DISTRIBUTION} is not here; install it by pip"
        ) from error
