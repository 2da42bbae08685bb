"""A delete that is sent again after its answer was lost, and then finds nothing."""

from ..endpoints.idempotent_delete import is_gone
from ..errors import PocketBaseError
from ..messages import Request, Response
from .chain import Handler


async def settled(request: Request, response: Response, call_next: Handler) -> Response:
    """Return the response to a repeated delete: a success, unless what was to be deleted is still there.

    The server is asked once. If the server does not tell, a 404 means that the first attempt was done.
    """
    check = is_gone(request, response.status_code)
    if check is None:
        return response
    try:
        gone = check.parse(await call_next(check.request))
    except PocketBaseError:
        gone = response.status_code == 404
    return Response(204, url=response.url, loads=response.loads) if gone else response
