"""The topics of a realtime connection."""

import json
import re
from urllib.parse import parse_qs

from ...auth.token import SUPERUSERS_ID
from ...calls.legacy_expressions import to_legacy_expression
from ...calls.legacy_refusal import refuse
from ...messages import Request
from ...messages.json_values import as_list, as_object

_SYSTEM = re.compile(rf"(_superusers|{SUPERUSERS_ID}|_externalAuths|_mfas|_otps|_authOrigins)/", re.IGNORECASE)


def check_topics(request: Request) -> Request:
    """Return the request that submits the topics of a connection.

    Raises:
        PocketBaseInputError: If a topic is of a collection that PocketBase 0.22 does not have, or its filter contains
            what PocketBase 0.22 does not know.
    """
    for topic in as_list(as_object(request.json()).get("subscriptions")):
        name, _, query = str(topic).partition("?")
        if _SYSTEM.match(name):
            raise refuse(f"a subscription to {name!r}", "0.23")
        options = as_object(json.loads(parse_qs(query).get("options", ["{}"])[0]))
        expression = as_object(options.get("query")).get("filter")
        # Events arrive under the name of the topic, options included, so the filter cannot be replaced.
        if isinstance(expression, str) and to_legacy_expression(expression) != expression:
            raise refuse(f"the filter {expression!r} of a subscription", "0.23")
    return request
