"""A delete that is sent again after its answer was lost, and then finds nothing."""

import re
from typing import Any
from urllib.parse import unquote

from ..errors import PocketBaseError
from ..messages import Request, Response
from .chain import Handler

_BACKUP = re.compile(r"(.*/api/backups)/([^/?]+)")


async def settled(request: Request, response: Response, call_next: Handler) -> Response:
    """The answer to a repeated delete: a success, where what was to be deleted is gone.

    A 404 also comes where this user may see a record but not delete it, and where the server is too old for a route.
    So the server is asked whether the thing is still there, and the answer stays as it is unless it is certainly not.
    """
    is_gone = await _is_gone(request, response.status_code, call_next)
    return Response(204, url=response.url, loads=response.loads) if is_gone else response


async def _is_gone(request: Request, status: int, call_next: Handler) -> bool:
    backup = _BACKUP.fullmatch(request.url)
    try:
        if backup is not None and status == 400:  # what the server says of a backup that there is not
            answer = await call_next(request.replace(method="GET", url=backup[1], body=None, files=()))
            backups: Any = answer.json() if answer.status_code == 200 else None
            return isinstance(backups, list) and unquote(backup[2]) not in map(_key, backups)  # pyright: ignore
        if status == 404:
            answer = await call_next(request.replace(method="HEAD", body=None, files=()))
            return answer.status_code == 404
    except (PocketBaseError, ValueError):
        pass
    return False


def _key(backup: Any) -> Any:
    return backup.get("key") if isinstance(backup, dict) else None  # pyright: ignore
