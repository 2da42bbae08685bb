"""The stream of events, and what it is to carry."""

import json
import re
from collections.abc import Sequence
from urllib.parse import quote

from ..auth.token import is_token
from ..call import Call, parse_nothing
from ..errors import PocketBaseDecodeError
from ..messages import ServerSentEvent
from ..options import CommonOptions, Options, read
from ..paths import api_path
from ..values import json_object, json_value

PATH = api_path("realtime")
MAX_TOPIC = 2500
_PLAIN = re.compile(r"[\w./*@-]+", re.ASCII)


def connect() -> Call[None]:
    return read(CommonOptions, None, {}).call("GET", PATH, parse_nothing)


def subscribe(client_id: str, topics: Sequence[str]) -> Call[None]:
    """Replaces the whole set of topics."""
    body = {"clientId": client_id, "subscriptions": topics}
    return read(CommonOptions, None, {}).call("POST", PATH, parse_nothing, body=body)


def client_id(event: ServerSentEvent, url: str) -> str:
    """What the first event of a stream tells.

    Raises:
        PocketBaseDecodeError: it is another event.
    """
    value = message(event).get("clientId") if event.event == "PB_CONNECT" else None
    if not value or not is_token(value):
        raise PocketBaseDecodeError(url, 200, message="the stream does not begin with PB_CONNECT and a client id")
    return value


def message(event: ServerSentEvent) -> dict[str, object]:
    """The JSON object that an event brings; `{}` when it brings something else."""
    try:
        return json_object(json_value(event.data))
    except (ValueError, RecursionError):
        return {}


def record_topic(collection: str, record_id: str) -> str:
    """The topic of one record, or with `*` of all.

    Raises:
        TypeError, ValueError: they cannot be a name and an id.
    """
    for text in (collection, record_id):
        if not isinstance(text, str):
            raise TypeError(f"a name or id must be text, not {type(text).__name__}")
        if not text or "/" in text:
            raise ValueError(f"{text!r} cannot be the name or id of a subscription")
    return f"{collection}/{record_id}"


def topic(name: str, options: Options) -> str:
    """A topic with its options, as the server reads them.

    Options that it cannot read it takes for none, and sends everything: so nothing is left to chance.

    Raises:
        TypeError, ValueError: the server would not understand it.
    """
    if not isinstance(name, str):
        raise TypeError(f"a topic must be text, not {type(name).__name__}")
    if not name or not name.isprintable() or name != name.strip() or "?" in name:
        raise ValueError(f"{name!r} cannot be a topic; what would follow a '?' goes in as options")
    if repeated := [key for key, value in options.params.items() if not isinstance(value, str)]:
        raise ValueError(f"{repeated} cannot be repeated in a subscription")
    if options.params or options.headers:
        if not _PLAIN.fullmatch(name):
            raise ValueError(f"{name!r} cannot have options: the server would take none of them")
        text = json.dumps({"query": dict(options.params), "headers": dict(options.headers)}, sort_keys=True)
        name += "?options=" + quote(text, safe="")
    if len(name.encode()) > MAX_TOPIC:
        raise ValueError(f"a topic with its options takes at most {MAX_TOPIC} bytes, not {len(name.encode())}")
    return name
