"""The options of a client that apply to all of its requests."""

from dataclasses import dataclass

from .json_values import JsonDumps, JsonLoads, default_dumps, default_loads


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """The JSON library and the size limit of a client, which each of its requests carries to the transport."""

    json_dumps: JsonDumps = default_dumps
    """Encodes request bodies."""
    json_loads: JsonLoads = default_loads
    """Decodes response bodies."""
    max_response_bytes: int | None = None
    """The size in bytes, decompressed, above which a response is not read into memory. None is no limit."""
