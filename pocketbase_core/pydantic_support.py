"""Makes the TypedDicts of this library usable in pydantic and FastAPI.

Before Python 3.12, pydantic accepts a TypedDict of `typing_extensions` only. This library does not depend on that
package, but pydantic does. So pydantic's own hook on the class builds the same TypedDict with `typing_extensions`, in
every version of Python alike.
"""

from typing import Any, TypeVar, get_args


def support_pydantic(typed_dict: Any) -> None:
    """Give a TypedDict, which may be generic, the hook that pydantic calls."""
    typed_dict.__get_pydantic_core_schema__ = classmethod(_build_schema)


def _build_schema(typed_dict: Any, source: Any, handler: Any) -> Any:
    """Return the schema of `source`, which is the TypedDict itself or one with its parameters replaced."""
    import typing_extensions  # here, because only pydantic needs it

    values: dict[TypeVar, Any] = dict(zip(getattr(typed_dict, "__parameters__", ()), get_args(source), strict=False))
    fields: dict[str, Any] = {}
    for name, annotation in typed_dict.__annotations__.items():
        if isinstance(annotation, TypeVar):
            annotation = values.get(annotation, Any)
        elif parameters := getattr(annotation, "__parameters__", ()):
            annotation = annotation[tuple(values.get(each, Any) for each in parameters)]
        fields[name] = annotation
    make_typed_dict: Any = typing_extensions.TypedDict  # type checkers take only calls with literal fields
    return handler(make_typed_dict(typed_dict.__name__, fields))
