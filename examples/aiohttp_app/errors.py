"""Messages for visitors when a request to PocketBase fails."""

from aiohttp import web
from aiohttp.typedefs import Handler

from pocketbase_core import PocketBaseError, PocketBaseInputError, PocketBaseTransportError


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return error_response(413, "The request is too large. A picture may have up to 5 MB.")
    except PocketBaseInputError as error:
        return error_response(400, str(error))  # what the visitor sent cannot be sent to PocketBase
    except PocketBaseTransportError as error:
        if error.request_sent is False or request.method == "GET":
            return error_response(503, "The guestbook cannot be reached at the moment. Please try again.")
        return error_response(503, "The guestbook did not respond. Check for your change before you try again.")
    except PocketBaseError as error:
        fields = [f"{field.capitalize()}: {why.get('message')}" for field, why in error.field_errors.items()]
        return error_response(error.status if 400 <= error.status < 500 else 502, " ".join(fields) or error.message)


def error_response(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)
