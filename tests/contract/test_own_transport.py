"""The transport of the examples keeps the contract too."""

import pytest

from examples.own_transport import OwnTransport
from pocketbase_core.testing.contract import *
from pocketbase_core.testing.contract import MakeTransport

pytestmark = pytest.mark.slow


@pytest.fixture
def make_transport() -> MakeTransport:
    return OwnTransport
