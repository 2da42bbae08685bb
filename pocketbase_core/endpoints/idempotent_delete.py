"""Deletes whose answers were lost."""

import re
from urllib.parse import unquote

from ..calls.call import Call
from ..calls.parsing import parse_list
from ..messages import Request, Response
from ..messages.json_values import as_object

_BACKUP = re.compile(r"(.*/api/backups)/([^/?]+)")


def is_gone(request: Request, status: int) -> Call[bool] | None:
    """Build the call that finds out whether the first attempt of a delete was done, where a later one has this status.

    A 404 also comes if this user may see a record but not delete the record. A backup that does not exist is a 400.
    With any other status, the server has said what happened: None.
    """
    if status == 404:
        return Call(request.replace(method="HEAD", body=None, files=()), _is_not_found)
    backup = _BACKUP.fullmatch(request.url)
    if backup is None or status != 400:
        return None

    def parse(response: Response) -> bool:
        return unquote(backup[2]) not in [as_object(each).get("key") for each in parse_list(response)]

    return Call(request.replace(method="GET", url=backup[1], body=None, files=()), parse)


def _is_not_found(response: Response) -> bool:
    return not 200 <= response.status_code < 300
