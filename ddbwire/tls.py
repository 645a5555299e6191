"""The TLS settings of a connection."""

import ssl


def tls_context(ca_bundle: str | bool) -> ssl.SSLContext:
    """TLS 1.2 and up, trusting the authorities in the file ``ca_bundle``; False trusts anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if isinstance(ca_bundle, str):
        context.load_verify_locations(cafile=ca_bundle)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
