"""TLS contexts of a server and a client, with certificates of an authority that no system trusts."""

import ssl
from typing import Any

import trustme

AUTHORITY: Any = trustme.CA()
"""Untyped, because trustme's annotations name a class of a library that may not be installed."""


def server_context(host: str = "127.0.0.1") -> ssl.SSLContext:
    """Return the TLS context of a server whose certificate is for this host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(host).configure_cert(context)
    return context


def trusting_context() -> ssl.SSLContext:
    """Return the TLS context of a client that trusts the authority."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context
