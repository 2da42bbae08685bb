"""All transports keep the contract."""

from pocketbase_core.testing.contract import *
