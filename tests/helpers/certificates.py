"""Certificates of an authority that nobody knows."""

import ssl
from typing import Any

import trustme

AUTHORITY: Any = trustme.CA()
"""Not typed, as trustme's annotations name a class of a library that need not be there."""


def server_context(host: str = "127.0.0.1") -> ssl.SSLContext:
    """Make the settings of a server whose certificate is for this host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(host).configure_cert(context)
    return context


def trusting_context() -> ssl.SSLContext:
    """Make the settings of a client that trusts the authority."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context
