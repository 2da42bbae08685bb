"""The marker of tests that need a Redis server."""

import os
import shutil

import pytest

needs_redis = pytest.mark.skipif(
    shutil.which("redis-server") is None and "CI" not in os.environ,
    reason="the README does not ask for redis-server, a program of the system; CI installs it and skips nothing",
)
