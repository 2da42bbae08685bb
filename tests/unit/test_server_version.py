"""The parameter `server_version` of a client."""

from typing import Any

import pytest

from pocketbase_core import AuthStore, PocketBase


@pytest.mark.parametrize("version", ["", "x", "v0.22", "0", "0.22.", "0.22-rc1", " 0.22", "0.22\n", "٠.٢٢", "1.2.3.4"])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="server_version must be a version, such as"):
        PocketBase("http://h", server_version=version)


@pytest.mark.parametrize("version", [22, 0.22, (0, 22), b"0.22"])
def test_a_version_is_text(version: Any) -> None:
    with pytest.raises(TypeError, match="server_version must be text"):
        PocketBase("http://h", server_version=version)


@pytest.mark.parametrize("version", ["0.21", "0.0.1", "0.9.22"])
def test_a_server_older_than_0_22_is_not_supported(version: str) -> None:
    with pytest.raises(ValueError, match=f"must be 0.22 or newer, not {version}"):
        PocketBase("http://h", server_version=version)


@pytest.mark.parametrize(
    ("version", "escapes"),
    [
        (None, False),
        ("0.22", False),
        ("0.39", False),
        ("0.39.8", False),
        ("0.39.9", True),
        ("0.40", True),
        ("1.0", True),
    ],
)
def test_filters_write_any_backslash_from_0_39_9_on(version: str | None, escapes: bool) -> None:
    pb = PocketBase("http://h", server_version=version)
    assert pb.filter_escapes is escapes
    assert pb.with_auth_store(AuthStore()).filter_escapes is escapes
    assert pb.server_version == version


@pytest.mark.parametrize("version", ["0.22", "0.38", "0.39.8"])
def test_escapes_that_the_server_would_misread_are_refused(version: str) -> None:
    pb = PocketBase("http://h", server_version=version)
    pb.filter_escapes = True
    with pytest.raises(ValueError, match=f"but server_version is '{version}'"):
        pb.filter("a = {:a} && b = {:b}", a="x\\", b=" || true //")


@pytest.mark.parametrize("version", [None, "0.39", "0.39.9"])
def test_escapes_may_be_declared_for_a_server_that_may_read_them(version: str | None) -> None:
    pb = PocketBase("http://h", server_version=version)
    pb.filter_escapes = True
    assert pb.filter("a = {:a}", a="x\\") == 'a = "x\\\\"'


def test_the_version_of_a_client_cannot_be_changed() -> None:
    pb: Any = PocketBase("http://h")
    with pytest.raises(AttributeError, match="server_version cannot be assigned"):
        pb.server_version = "0.22"
