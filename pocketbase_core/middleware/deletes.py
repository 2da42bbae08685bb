"""A delete that is sent again after its answer was lost, and then finds nothing."""

import re
from typing import Any
from urllib.parse import unquote

from ..errors import PocketBaseError
from ..messages import Request, Response
from .chain import Handler

_BACKUP = re.compile(r"(.*/api/backups)/([^/?]+)")


async def settled(request: Request, response: Response, call_next: Handler) -> Response:
    """Return the response to a repeated delete: a success, unless what was to be deleted is still there.

    A 404 also comes if this user may see a record but not delete the record. So the server is asked once whether the
    record is there. If the server does not tell, the first attempt counts as done.
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
            return not 200 <= answer.status_code < 300
    except (PocketBaseError, ValueError):
        return status == 404
    return False


def _key(backup: Any) -> Any:
    return backup.get("key") if isinstance(backup, dict) else None  # pyright: ignore
