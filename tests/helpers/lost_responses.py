"""Answers that are lost on their way."""

from pocketbase_core import PocketBaseConnectionError, Request, Response
from pocketbase_core.middleware import Handler


class Losing:
    """Middleware that has requests answered, and loses the answers to the first of a method.

    With `status`, the answer of a proxy takes the place of each of them.
    """

    def __init__(self, answers: int = 1, status: int | None = None, method: str = "POST") -> None:
        self.left = answers
        self.status = status
        self.method = method
        self.sent: list[Request] = []

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        self.sent.append(request)
        response = await call_next(request)
        if request.method == self.method and self.left:
            self.left -= 1
            if self.status is not None:
                return Response(self.status)
            raise PocketBaseConnectionError(request.url, message="lost")
        return response
