"""The plugin for pytest. It defines fixtures if pytest-asyncio and a PocketBase binary are installed."""

from importlib.util import find_spec

from .binaries import find_binary


def _is_usable() -> bool:
    try:
        return find_spec("pytest_asyncio") is not None and bool(find_binary(None))
    except RuntimeError:
        return False


if _is_usable():
    from .fixtures import pocketbase, pocketbase_server, pocketbase_superuser

    __all__ = ["pocketbase", "pocketbase_server", "pocketbase_superuser"]
