"""A transport on each HTTP library."""

import httpx

from pocketbase_core.testing.contract import MakeTransport
from pocketbase_core.testing.contract import transport as transport
from pocketbase_transports import AiohttpTransport, HttpxTransport
from pocketbase_transports.httpx.exceptions import error_map


class OnHttpx(HttpxTransport):
    """With httpx2 installed too, httpx would be used only where its client is handed in."""

    def __init__(self) -> None:
        super().__init__(verify=False)  # loading certificates takes longer than some timeouts here
        self._library = httpx
        self._error_map = error_map(httpx)


MAKERS: dict[str, MakeTransport] = {
    "aiohttp": AiohttpTransport,
    "httpx": OnHttpx,
    "httpx2": HttpxTransport,
}
