"""A server that does not start for a program without an event loop."""

import pytest

from pocketbase_core.blocking import LocalServer

from .test_calls import own_threads


def test_a_server_that_does_not_start_is_an_error_and_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKETBASE_BIN", "/bin/false")
    with pytest.raises(RuntimeError, match="could not create its superuser"), LocalServer():
        raise AssertionError
    assert own_threads() == []
