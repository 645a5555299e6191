"""The version of the distribution that contains these packages."""

from __future__ import annotations

DISTRIBUTION = "ratelimit-ddb"


def installed_version() -> str:
    """The version of the distribution, from the metadata that pip installs.

    Raises:
        AttributeError: there is no metadata, as if the packages' folders were copied. It is raised
            where ``__version__`` is read.
    """
    from importlib import metadata  # 20 ms that importing the packages need not spend

    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError as error:
        raise AttributeError(
            f"__version__: the metadata of {DISTRIBUTION} is not here; install it by pip"
        ) from error
