"""The error for what PocketBase 0.22 cannot do."""

from ..input_errors import PocketBaseInputError


def refuse(what: str, version: str) -> PocketBaseInputError:
    """Return the error for a request that PocketBase 0.22 cannot serve. Nothing was sent.

    Args:
        what: What the request asks for.
        version: The version of PocketBase that has it.
    """
    return PocketBaseInputError(f"PocketBase 0.22 does not support {what}: PocketBase {version} or newer is required")
