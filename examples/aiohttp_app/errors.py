"""Messages for visitors when a request to PocketBase fails."""

from collections.abc import Mapping

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
        fields = {field: str(why.get("message")) for field, why in error.field_errors.items()}
        message = " ".join(f"{field.capitalize()}: {why}" for field, why in fields.items()) or error.message
        return error_response(error.status if 400 <= error.status < 500 else 502, message, fields)


def error_response(status: int, message: str, fields: Mapping[str, str] | None = None) -> web.Response:
    """Return the message, and those of them that the page shows at the fields of the form."""
    return web.json_response({"message": message, "fields": dict(fields or {})}, status=status)
