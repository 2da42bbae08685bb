"""What a client decides for all of its requests."""

from dataclasses import dataclass

from .json_values import JsonDumps, JsonLoads, default_dumps, default_loads


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """The JSON library and the size limit of a client, which each of its requests carries to the transport.

    `json_dumps` encodes bodies, `json_loads` decodes responses. A response of more than `max_response_bytes`, once
    decompressed, is not read as a whole; None is no limit.
    """

    json_dumps: JsonDumps = default_dumps
    json_loads: JsonLoads = default_loads
    max_response_bytes: int | None = None
