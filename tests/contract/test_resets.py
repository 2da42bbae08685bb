"""Early responses whose connection is reset at once. pyreqwest, which writes on in a thread, may lose these."""

import pytest

from pocketbase_core import FileUpload
from pocketbase_core.testing.contract.early_responses import MB, create_error, hang_up, refusing

from ..helpers.transports import MAKERS

LIBRARIES = ["aiohttp", "httpx", pytest.param("httpx2", marks=pytest.mark.httpx2)]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("headers", [(), ("Connection: close",)], ids=["open", "close"])
@pytest.mark.parametrize("size", [1 * MB, 5 * MB, 50 * MB])
async def test_an_early_response_is_received_though_the_connection_is_reset_at_once(
    library: str, size: int, headers: tuple[str, ...]
) -> None:
    transport = MAKERS[library]()
    bodies: list[dict[str, object]] = [{"file": FileUpload(("big.bin", bytes(size)))}, {"text": "x" * size}]
    try:
        for body in bodies:
            error = await create_error(transport, refusing(413, hang_up, *headers), body)
            assert (error.status, error.message) == (413, "Not this.")
    finally:
        await transport.aclose()
