"""The marker of tests that need a Redis server."""

import os
import shutil

import pytest

_IS_MISSING = shutil.which("redis-server") is None and "CI" not in os.environ
needs_redis = pytest.mark.skipif(_IS_MISSING, reason="the README does not ask for redis-server; CI installs it")
