"""The question whether a delete succeeded whose response was lost.

A delete that is repeated finds nothing if the first attempt succeeded, and PocketBase then responds with an error. The
same error may have another cause, so the server is asked whether the target still exists.
"""

import re
from urllib.parse import unquote

from ..calls.call import Call
from ..calls.parsing import parse_list
from ..messages import Request, Response
from ..messages.json_values import as_object

_BACKUP = re.compile(r"(.*/api/backups)/([^/?]+)")


def check_deleted(request: Request, status: int) -> Call[bool] | None:
    """Build the call that returns whether the target of a delete is gone.

    PocketBase responds to the delete of a missing record with 404, but also if the user may see the record and not
    delete it. It responds to the delete of a missing backup with 400. Any other status is certain: the result is None.

    Args:
        request: The delete.
        status: The status of the response to its last attempt.
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
