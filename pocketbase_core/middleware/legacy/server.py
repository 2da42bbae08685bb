"""The middleware for servers whose version the user has named."""

import re
from urllib.parse import unquote

from ...calls.parsing import is_legacy_error
from ...calls.server_version import CURRENT, parse_version
from ...errors import PocketBaseDecodeError, PocketBaseError, error_from_response
from ...messages import Request, Response
from ...messages.json_values import as_object
from ..chain import Handler, Middleware
from . import picker
from .errors import current_error
from .generations import is_legacy_response
from .routes import ROUTES, Route, check_since

_NO_ROUTE = Route("", "")
_OF_FILES = ("/api/files/", "/api/backups/")
"""The beginnings of paths whose responses are too long to be read for a HEAD request."""
_OF_POCKETBASE = re.compile(
    r"/api/(?:admins|backups|batch|collections|crons|files|health|logs|realtime|settings|sql)(?:/.*)?"
)
"""The paths of PocketBase itself. A route of the application may respond in any way."""


def server_middleware(version: str, base_url: str) -> Middleware:
    """Return the middleware next to the transport for a server of this version."""
    return (LegacyServer if parse_version(version) < CURRENT else CurrentServer)(version, base_url)


class _KnownServer:
    """A middleware for one server.

    Args:
        version: The version that the user has named.
        base_url: The URL of the server.
    """

    def __init__(self, version: str, base_url: str) -> None:
        self._version = version
        self._base_url = base_url


class CurrentServer(_KnownServer):
    """Middleware that notices a server older than PocketBase 0.23."""

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Send the request.

        Raises:
            PocketBaseError: If the response shows that the server is older than PocketBase 0.23.
        """
        response = await call_next(request)
        path = _path(request, self._base_url)
        if path is not None and is_legacy_response(path, response):
            raise _wrong_version(response, self._version, "is PocketBase 0.22 or older: pass server_version='0.22'")
        return response


class LegacyServer(_KnownServer):
    """Middleware that lets a server of PocketBase 0.22 appear as one of the current version."""

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Send the request in the form of PocketBase 0.22, and return the response in that of the current version.

        Raises:
            PocketBaseInputError: If PocketBase 0.22 cannot do what the request asks for. Nothing was sent.
            PocketBaseError: If the response shows that the server is PocketBase 0.23 or newer.
        """
        path = _path(request, self._base_url)
        if path is None:
            response = await call_next(request)
            if 200 <= response.status_code < 300:
                return response
            return _current_error(request, response).replace(url=request.url)  # PocketBase writes those of hooks too
        method = request.method
        if method == "HEAD" and not path.startswith(_OF_FILES):
            request = request.replace(method="GET")  # PocketBase 0.22 has no HEAD for records
        response = await self._exchange(request, path.removeprefix("/api"), call_next)
        return response.replace(content=b"", url=request.url) if method == "HEAD" else response.replace(url=request.url)

    async def _exchange(self, request: Request, path: str, call_next: Handler) -> Response:
        route, sent = next(
            ((route, match) for route in ROUTES if (match := route.matches(request.method, path))), (_NO_ROUTE, None)
        )
        check_since(route, request.method, unquote(path))
        translated = await self._translate(request, route, sent, call_next)
        if isinstance(translated, Response):
            response, translated = translated, request
        else:
            response = await call_next(translated)
        if is_legacy_response(_path(translated, self._base_url) or "", response) is False:
            advice = "is PocketBase 0.23 or newer: leave server_version out, or pass the server's own version"
            raise _wrong_version(response, self._version, advice)
        if not 200 <= response.status_code < 300:
            return _current_error(translated, response)
        return response if route.value is None else _current_value(request, route, response)

    async def _translate(
        self, request: Request, route: Route, match: re.Match[str] | None, call_next: Handler
    ) -> Request | Response:
        """Return the request to send, or a response in the form of PocketBase 0.22."""
        translated = request
        if route.value is not None:
            picker.check_fields(request)
            translated = picker.without_fields(request)
        if route.to is not None and match is not None:
            _, mark, query = request.url.partition("?")
            translated = translated.replace(url=f"{self._base_url}/api{match.expand(route.to)}{mark}{query}")
        if isinstance(request.body, bytes) or (request.sources and not request.files):
            return translated  # raw content is sent as it is
        if route.request is not None:
            translated = route.request(translated)
        if route.prepare is not None:
            return await route.prepare(translated, f"{self._base_url}/api", call_next)
        return translated


def _path(request: Request, base_url: str) -> str | None:
    """Return the path of a request to PocketBase itself; None if the request is for anything else."""
    url = request.url.partition("?")[0]
    path = url[len(base_url) :] if url.startswith(base_url) else ""
    return path if _OF_POCKETBASE.fullmatch(path) else None


def _current_error(request: Request, response: Response) -> Response:
    try:
        body = as_object(response.json())
    except (ValueError, RecursionError):
        return response
    if not is_legacy_error(response.status_code, body):
        return response  # of a hook or of a proxy
    status, error = current_error(request, response.status_code, body)
    return Response(status, response.headers, json=error, loads=response.loads)


def _current_value(request: Request, route: Route, response: Response) -> Response:
    if route.value is None or not response.content:
        message = "PocketBase 0.22 has another form of this response, so that it cannot be read as a stream"
        raise PocketBaseDecodeError(request.url, response.status_code, message=message)
    try:
        value = response.json()
    except (ValueError, RecursionError):
        return response  # the parser of the call raises a better error
    current = picker.pick(request, route.value(value))
    return Response(response.status_code, response.headers, json=current, loads=response.loads)


def _wrong_version(response: Response, version: str, advice: str) -> PocketBaseError:
    message = f"server_version is {version!r}, but the server {advice}"
    if 200 <= response.status_code < 300:
        return PocketBaseDecodeError(response.url, response.status_code, message=message)
    error = error_from_response(response)
    error.message = f"{message}. It responded: {error.message}"
    return error
