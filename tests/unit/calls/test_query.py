"""Query parameters."""

from typing import Any

import pytest

from pocketbase_core import PocketBaseInputError
from pocketbase_core.calls.query import encode_query, option_to_query


def test_none_is_left_out_of_a_list_too() -> None:
    assert encode_query({"a": ["1", None, 2], "b": None, "c": [None]}) == {"a": ("1", "2"), "c": ()}
    for option in ("sort", "fields", "expand"):
        assert option_to_query(option, ["-created", None, "id"]) == "-created,id"


def test_a_name_must_not_be_none() -> None:
    names: Any = {None: "x"}
    with pytest.raises(PocketBaseInputError, match="parameter None is None, which a query cannot contain"):
        encode_query(names)
