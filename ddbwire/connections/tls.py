"""The TLS settings of a connection."""

import ssl

from ddbwire.errors import ConfigurationError


def tls_context(ca_bundle: str | bool) -> ssl.SSLContext:
    """TLS 1.2 or later, with the authorities in the file ``ca_bundle``; False for no verification.

    Raises:
        ConfigurationError: the file can't be read, or has no certificates.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if isinstance(ca_bundle, str):
        try:
            context.load_verify_locations(cafile=ca_bundle)
        except OSError as error:  # includes ssl's errors about its contents
            raise ConfigurationError(
                f"the CA bundle {ca_bundle!r} can't be used ({error}); it must be a file of "
                "certificates in PEM: check AWS_CA_BUNDLE, ca_bundle in the profile and "
                "REQUESTS_CA_BUNDLE"
            ) from error
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
