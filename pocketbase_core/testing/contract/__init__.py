"""The contract of transports, as tests for pytest and pytest-asyncio.

A test module runs them if it imports `*` from this package, and has a fixture `make_transport` that returns a function
without arguments which makes a new transport.
"""

import inspect
import pkgutil

import pytest

for _info in pkgutil.iter_modules(__path__, f"{__name__}."):
    pytest.register_assert_rewrite(_info.name)

from .cancellation import *
from .connection_errors import *
from .early_responses import *
from .encodings import *
from .fixtures import MakeTransport as MakeTransport
from .fixtures import transport as transport
from .limits import *
from .limits import memory as memory
from .raw_bodies import *
from .raw_responses import *
from .requests import *
from .sse import *
from .streaming import *
from .uploads import *
from .uploads import stalled as stalled

_TESTS = {name: value for name, value in globals().items() if name.startswith("test_")}
for _test in _TESTS.values():
    if inspect.iscoroutinefunction(_test):
        pytest.mark.asyncio(_test)
# Computed, so that the helpers of the tests are not exported. Type checkers do not need to know these names.
globals()["__all__"] = [*_TESTS, "MakeTransport", "memory", "stalled", "transport"]
