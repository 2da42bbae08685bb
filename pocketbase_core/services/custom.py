"""The methods of the client for routes that the server's own hooks add."""

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Unpack

from ..calls.option_texts import list_options
from ..calls.options import SendOptions, parse_options
from ..endpoints import custom
from ..messages import Response
from ..pipeline import Pipeline
from ..ports import StreamedResponse


class CustomRoutes:
    """The part of a client that calls custom routes.

    A body is sent as JSON, unless it is raw: a FileUpload of one file, or text, bytes or an async iterable of bytes
    together with a Content-Type in `headers`. With the Content-Type `application/json`, text is the JSON itself.
    """

    @property
    @abstractmethod
    def pipeline(self) -> Pipeline:
        """The way of the calls of this client."""
        ...

    @list_options
    async def send(self, path: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[SendOptions]) -> Any:
        """Call a custom route, and return its decoded JSON; None if the response is empty.

        Options: `method`, `body`, `params`, `headers`, `timeout`.

        Args:
            path: The path on the server, which may contain a query.
            options: The options as a dict.
            **keywords: The options as keyword arguments.

        Raises:
            PocketBaseDecodeError: If the response is not JSON. `send_raw` returns any response.
        """
        return await self.pipeline.execute(custom.send(path, parse_options(SendOptions, options, keywords)))

    @list_options
    async def send_raw(
        self, path: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[SendOptions]
    ) -> Response:
        """Call a custom route, and return its response, whatever the body. A status outside 2xx raises as in `send`.

        Options: `method`, `body`, `params`, `headers`, `timeout`.
        """
        return await self.pipeline.execute(custom.send_raw(path, parse_options(SendOptions, options, keywords)))

    @list_options
    def stream(
        self, path: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[SendOptions]
    ) -> AbstractAsyncContextManager[StreamedResponse]:
        """Stream a custom route: `async with pb.stream(…) as response: async for chunk in response.aiter_bytes()`.

        A status outside 2xx raises as in `send`. The timeout limits the wait for the headers, and then for each chunk.

        Options: `method`, `body`, `params`, `headers`, `timeout`.
        """
        return self.pipeline.stream(custom.send_raw(path, parse_options(SendOptions, options, keywords)))
