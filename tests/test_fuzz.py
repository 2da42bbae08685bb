"""The targets of the fuzzer exist."""

from importlib import import_module
from typing import Any

import pytest

from .fuzz import TARGETS


@pytest.mark.parametrize("name", [name for names in TARGETS.values() for name in names])
def test_each_target_of_the_fuzzer_is_a_property_test(name: str) -> None:
    module, _, function = name.rpartition(".")
    test: Any = getattr(import_module(f"tests.{module}"), function)
    assert test.hypothesis.fuzz_one_input
