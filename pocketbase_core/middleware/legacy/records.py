"""Records: their bodies, files and lists, as PocketBase 0.22 takes them."""

import re
from typing import Any

from ...calls.legacy_expressions import to_legacy_expression
from ...calls.legacy_refusal import refuse
from ...input_errors import PocketBaseInputError
from ...messages import Request
from ...messages.json_values import as_list, as_object

_EXPRESSIONS = ("filter", "sort")
_STORED_FILE = re.compile(r"\S*[A-Za-z0-9]{10}\.[A-Za-z0-9]+")
"""The names of stored files, which end in a random part. No id looks like that."""


def legacy_query(request: Request, names: dict[str, str] | None = None) -> Request:
    """Return a request whose filter and sort are those of PocketBase 0.22.

    Args:
        request: The request.
        names: Names in filters, each with its name in 0.22.

    Raises:
        PocketBaseInputError: If an expression contains what PocketBase 0.22 does not know.
    """
    changed = {
        name: to_legacy_expression(text, names)
        for name in _EXPRESSIONS
        if isinstance(text := request.params.get(name), str)
    }
    if all(request.params[name] == text for name, text in changed.items()):
        return request
    return request.replace(params={**request.params, **changed})


def legacy_record(request: Request) -> Request:
    """Return a create or an update whose uploads have the same effect on PocketBase 0.22.

    There, an upload under `docs` is appended to the stored files unless the body has a list of names, and an upload
    under `docs+` is ignored.

    Raises:
        PocketBaseInputError: If PocketBase 0.22 would ignore a value, or understand it in another way.
    """
    body = as_object(request.json())
    uploaded = {name for name, _ in request.files}
    for name in {*body, *uploaded}:
        _check(name, body.get(name), request.method)
    appended = {name for name in uploaded if name.endswith("+")}
    if mixed := sorted(appended & body.keys()):
        raise refuse(f"names of stored files beside uploads in {mixed[0]!r}", "0.23")
    if request.method == "PATCH":
        replaced = {name for name in uploaded - appended if name not in body}
        body.update({name: [] for name in sorted(replaced)})
    in_order = sorted(request.files, key=lambda each: each[0] in appended)
    files = tuple((name.removesuffix("+"), file) for name, file in in_order)
    return request.replace(body=body, files=files) if files else request


def _check(name: str, value: Any, method: str) -> None:
    if name.startswith("+"):
        raise refuse(f"{name!r}, which puts values before those that are stored", "0.23")
    if "." in name and method == "PATCH":
        raise PocketBaseInputError(
            f"PocketBase 0.22 reads {name!r} as the name of a stored file to remove; newer servers ignore it: "
            f"write {{{name.partition('.')[0] + '-'!r}: [name]}} to remove a file"
        )
    values = as_list(value) or [value]
    if name.endswith("+") and any(isinstance(each, str) and _STORED_FILE.fullmatch(each) for each in values):
        raise refuse(f"names of stored files in {name!r}", "0.23")
