"""Realtime: the stream of events, and the topics of a connection."""

import json
import re
from collections.abc import Sequence
from typing import Unpack
from urllib.parse import quote

from ..auth.token import is_sendable_token
from ..calls.call import Call
from ..calls.options import CommonOptions, Options, parse_options
from ..calls.parsing import parse_nothing
from ..calls.paths import api_path
from ..errors import PocketBaseDecodeError
from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError
from ..messages import ServerSentEvent
from ..messages.json_values import as_object, default_loads

PATH = api_path("realtime")
MAX_TOPIC = 2500
"""The longest topic in bytes, with its options."""
CONNECT_TOPIC = "PB_CONNECT"
"""The name of the first event of each stream. The server sends it by itself, so it is never submitted as a topic."""
_UNSENDABLE = re.compile(r"^ |[\0-\x1f\x7f?\ud800-\udfff]")
"""The text that no topic can contain. The event of such a topic would arrive under another name, or not at all."""
_SCHEME = "[A-Za-z][A-Za-z0-9+.-]*:"
_NOT_A_URL = re.compile(
    rf"#|%(?![0-9A-Fa-f]{{2}})|^(?!{_SCHEME})[^/]*:|^(?:{_SCHEME})?//[^/]*(?:[ %@[\\^`{{|}}]|:(?!\d*(?:/|$)))", re.ASCII
)
"""The text that a topic with options cannot contain. Go's `url.Parse` refuses a bad escape, scheme, host or port, and
cuts the options off after a `#`."""


def connect(**options: Unpack[CommonOptions]) -> Call[None]:
    """Build the request for a stream of events, which is one connection."""
    return Call.build("GET", PATH, parse_nothing, parse_options(CommonOptions, None, options))


def subscribe(client_id: str, topics: Sequence[str], **options: Unpack[CommonOptions]) -> Call[None]:
    """Build the request that replaces the whole set of topics of a connection.

    Args:
        client_id: The id of the connection.
        topics: The topics with their options.
        **options: The options of the request.
    """
    body = {"clientId": client_id, "subscriptions": topics}
    return Call.build("POST", PATH, parse_nothing, parse_options(CommonOptions, None, options), body=body)


def client_id(event: ServerSentEvent, url: str) -> str:
    """Return the client id from the first event of a stream, which has to be `PB_CONNECT`.

    Args:
        event: The first event.
        url: The URL of the stream, for the error.

    Raises:
        PocketBaseDecodeError: If it is another event, or has no usable client id.
    """
    value = decode_event(event).get("clientId") if event.event == CONNECT_TOPIC else None
    if not value or not is_sendable_token(value):
        raise PocketBaseDecodeError(url, 200, message="the stream does not begin with PB_CONNECT and a client id")
    return value


def decode_event(event: ServerSentEvent) -> dict[str, object]:
    """Return the data of an event, a JSON object; `{}` if the data is anything else."""
    try:
        return as_object(default_loads(event.data))
    except (ValueError, RecursionError):
        return {}


def record_topic(collection: str, record_id: str) -> str:
    """Return the topic of a record.

    Args:
        collection: The name or id of the collection.
        record_id: The id of the record; `*` for all records of the collection.

    Raises:
        TypeError: If an argument is not text.
        ValueError: If an argument is empty or has a slash.
    """
    for text in (collection, record_id):
        if not isinstance(text, str):
            raise PocketBaseInputTypeError(f"a name or id must be text, not {type(text).__name__}")
        if not text or "/" in text:
            raise PocketBaseInputError(f"{text!r} cannot be the name or id of a subscription")
    return f"{collection}/{record_id}"


def encode_topic(name: str, options: Options) -> str:
    """Return a topic with its options, as the server parses them.

    The server reads a topic as a URL. If it cannot, it ignores the options and sends every event, so such a topic is
    rejected here.

    Args:
        name: The topic without options, such as `posts/*`.
        options: Query parameters and headers, which the server applies to the messages of this topic.

    Raises:
        TypeError: If the name is not text.
        ValueError: If the server would not understand the topic or its options, or the topic is too long.
    """
    if not isinstance(name, str):
        raise PocketBaseInputTypeError(f"a topic must be text, not {type(name).__name__}")
    if not name or _UNSENDABLE.search(name):
        raise PocketBaseInputError(
            f"{name!r} cannot be a topic: it is empty, begins with a space, or contains a control character, a lone "
            "surrogate or a '?'; pass what would follow a '?' as options"
        )
    if repeated := [key for key, value in options.params.items() if not isinstance(value, str)]:
        raise PocketBaseInputError(f"{repeated} cannot be repeated in a subscription")
    if options.params or options.headers:
        if name == CONNECT_TOPIC:
            raise PocketBaseInputError(f"{name} cannot have options: it is the same event for every subscription")
        if found := _NOT_A_URL.search(name):
            raise PocketBaseInputError(
                f"{name!r} cannot have options: the server reads a topic with options as a URL, and would ignore them "
                f"because of {found[0]!r}; subscribe without options"
            )
        text = json.dumps({"query": dict(options.params), "headers": dict(options.headers)}, sort_keys=True)
        name += "?options=" + quote(text, safe="")
    if len(name.encode()) > MAX_TOPIC:
        raise PocketBaseInputError(
            f"a topic with its options takes at most {MAX_TOPIC} bytes, not {len(name.encode())}"
        )
    return name
