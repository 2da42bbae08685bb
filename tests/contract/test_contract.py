"""All transports of this library keep the contract."""

from pocketbase_core.testing.contract import *
