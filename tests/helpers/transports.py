"""A transport on each HTTP library."""

from types import ModuleType

import httpx

from pocketbase_core.testing.contract import MakeTransport
from pocketbase_core.testing.contract import transport as transport
from pocketbase_transports import AiohttpTransport, HttpxTransport, PyreqwestTransport


class TransportOnHttpx(HttpxTransport):
    """A transport with its own clients of httpx, although httpx2 is installed too."""

    def __init__(self) -> None:
        super().__init__(verify=False)  # loading certificates takes longer than some timeouts in these tests

    def _find_library(self) -> ModuleType:
        return httpx


MAKERS: dict[str, MakeTransport] = {
    "aiohttp": AiohttpTransport,
    "httpx": TransportOnHttpx,
    "httpx2": HttpxTransport,
    "pyreqwest": PyreqwestTransport,
}
