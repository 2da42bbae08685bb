"""The response to a delete that was repeated: see `pocketbase_core/endpoints/idempotent_delete.py`."""

from ..endpoints.idempotent_delete import check_deleted
from ..errors import PocketBaseError
from ..messages import Request, Response
from .chain import Handler


async def resolve_repeated_delete(request: Request, response: Response, call_next: Handler) -> Response:
    """Return a success if an earlier attempt of a delete succeeded, else the response to the last attempt.

    The server is asked once. If the server does not say whether the target exists, a 404 counts as proof that an
    earlier attempt succeeded.

    Args:
        request: The delete.
        response: The response to the last attempt. The responses to earlier attempts were lost.
        call_next: Sends the request that asks the server.
    """
    check = check_deleted(request, response.status_code)
    if check is None:
        return response
    try:
        deleted = check.parse(await call_next(check.request))
    except PocketBaseError:
        deleted = response.status_code == 404
    return Response(204, url=response.url, loads=response.loads) if deleted else response
