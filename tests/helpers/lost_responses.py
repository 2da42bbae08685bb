"""Responses that are lost on their way to the client."""

from pocketbase_core import PocketBaseConnectionError, Request, Response
from pocketbase_core.middleware import Handler


class LostResponses:
    """Middleware that sends each request, and loses the responses to the first requests of one method.

    Args:
        responses: How many responses are lost.
        status: The status that a proxy responds with in place of a lost response. None: the connection breaks.
        method: The HTTP method whose responses are lost.
    """

    def __init__(self, responses: int = 1, status: int | None = None, method: str = "POST") -> None:
        self.remaining = responses
        self.status = status
        self.method = method
        self.sent: list[Request] = []

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        self.sent.append(request)
        response = await call_next(request)
        if request.method == self.method and self.remaining:
            self.remaining -= 1
            if self.status is not None:
                return Response(self.status)
            raise PocketBaseConnectionError(request.url, message="lost")
        return response
