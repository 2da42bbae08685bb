"""Signs in with OAuth2 in a browser. A realtime connection of its own receives the outcome."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from ...auth.token import is_sendable_token
from ...calls.options import CommonOptions, parse_options
from ...endpoints import auth, realtime
from ...errors import PocketBaseConnectionError, PocketBaseError, PocketBaseTimeoutError
from ...input_errors import PocketBaseInputError
from ...messages import ServerSentEvent
from .bound_pipeline import BoundPipeline

SIGN_IN_TIMEOUT = 300.0
"""Seconds that a user has to sign in."""
_TOPIC = "@oauth2"


def open_browser(url: str) -> None:
    """Open a page in the user's browser."""
    import webbrowser  # imports much that only this needs

    webbrowser.open(url)


async def browser_payload(
    bound: BoundPipeline,
    collection: str,
    provider_name: str,
    open_url: Callable[[str], Any],
    scopes: Sequence[str] | None,
    create_data: Mapping[str, Any] | None,
    time_limit: float | None,
) -> dict[str, Any]:
    """Have the user sign in, and return the payload of `with_oauth2`.

    Raises:
        ValueError: If the collection does not offer the provider.
        PocketBaseTimeoutError: If the browser did not come back within `time_limit` seconds.
        PocketBaseError: If the provider refused, or the response belongs to another attempt.
    """
    no_options = parse_options(CommonOptions, None, {})
    redirect_url = bound.build_url("/api/oauth2-redirect")
    limit = asyncio.timeout(time_limit)
    try:
        async with limit:
            providers = await bound.execute(auth.oauth2_provider(collection, provider_name, no_options))
            if (provider := providers.requested) is None:
                offered = ", ".join(providers.offered) or "none"
                raise PocketBaseInputError(
                    f"the collection offers no OAuth2 provider {provider_name!r}; offered: {offered}"
                )
            message = await _outcome(bound, provider, redirect_url, open_url, scopes)
    except TimeoutError:
        if not limit.expired():
            raise  # the error of open_url
        raise PocketBaseTimeoutError(redirect_url, message=f"nobody signed in within {time_limit:g} s") from None
    code = message.get("code")
    if message.get("error") or not code or not is_sendable_token(code):
        raise PocketBaseError(redirect_url, message=f"the provider refused: {message.get('error') or 'no code'}")
    return auth.oauth2_payload(provider["name"], code, provider["codeVerifier"], redirect_url, create_data)


async def _outcome(
    bound: BoundPipeline,
    provider: Mapping[str, str],
    redirect_url: str,
    open_url: Callable[[str], Any],
    scopes: Sequence[str] | None,
) -> dict[str, object]:
    """Return what the server sends when the browser comes back: `{"state", "code", "error"?}`."""
    async with bound.events(realtime.connect(headers=bound.optional_user)) as events:
        client_id = realtime.client_id(await _next(events, redirect_url), redirect_url)
        await bound.execute(realtime.subscribe(client_id, [_TOPIC], headers=bound.optional_user))
        url = auth.sign_in_url(provider, redirect_url, client_id, [*scopes] if scopes else None)
        if inspect.iscoroutinefunction(open_url):
            await open_url(url)
        else:
            await asyncio.to_thread(open_url, url)
        message = realtime.decode_event(await _next(events, redirect_url, _TOPIC))
    # The server sends the event only to the client that `state` names, so no user can cause this by mistake.
    if message.get("state") != client_id:
        raise PocketBaseError(redirect_url, message="the browser came back from another sign-in")
    return message


async def _next(events: AsyncIterator[ServerSentEvent], url: str, name: str | None = None) -> ServerSentEvent:
    """Return the next event, or the next event of this name: the server may send other events to every client."""
    async for event in events:
        if name is None or event.event == name:
            return event
    raise PocketBaseConnectionError(url, message="the server ended the stream", request_sent=True)
