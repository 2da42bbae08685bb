"""The names of other SDKs are answered with the names of this library."""

import copy
import inspect
import pickle
import re
import subprocess
import sys
from typing import Any
from unittest import mock

import pytest

import pocketbase_core
from pocketbase_core import AuthStore, PocketBase, PocketBaseBadRequestError, PocketBaseError, Response
from pocketbase_core.peer_names import _ADVICE as ADVICE  # pyright: ignore[reportPrivateUsage]
from pocketbase_transports import MockTransport

PB = PocketBase("http://h", transport=MockTransport(lambda _: Response(200)))
OBJECTS: dict[str, Any] = {
    "PocketBase": PB,
    "RecordService": PB.collection("posts"),
    "AuthService": PB.collection("users").auth,
    "FileService": PB.files,
    "CollectionService": PB.collections,
    "BackupService": PB.backups,
    "LogService": PB.logs,
    "SettingsService": PB.settings,
    "HealthService": PB.health,
    "Realtime": PB.realtime,
    "Batch": PB.create_batch(),
    "AuthStore": PB.auth_store,
    "PocketBaseError": PocketBaseBadRequestError("http://h", 400),
}
CASES = [
    ("PocketBase", "authStore", "use auth_store"),
    ("PocketBase", "baseURL", "use base_url"),
    ("PocketBase", "baseUrl", "use base_url"),
    ("PocketBase", "buildURL", "use build_url"),
    ("PocketBase", "createBatch", "use create_batch"),
    ("PocketBase", "autoCancellation", "no call is cancelled automatically"),
    ("PocketBase", "auto_cancellation", "no call is cancelled automatically"),
    ("PocketBase", "get_file_url", "use files.get_url"),
    ("RecordService", "getFirstListItem", "use get_first"),
    ("RecordService", "get_first_list_item", "use get_first"),
    ("RecordService", "getFullList", "use get_full_list"),
    ("RecordService", "authWithPassword", "use auth.with_password"),
    ("RecordService", "auth_with_password", "use auth.with_password"),
    ("RecordService", "authWithOAuth2Code", "use auth.with_oauth2"),
    ("RecordService", "auth_refresh", "use auth.refresh"),
    ("RecordService", "requestOTP", "use auth.request_otp"),
    ("AuthService", "listAuthMethods", "use methods"),
    ("AuthService", "requestOTP", "use request_otp"),
    ("FileService", "getURL", "use get_url"),
    ("FileService", "getUrl", "use get_url"),
    ("CollectionService", "getAllOAuth2Providers", "use get_all_oauth2_providers"),
    ("CollectionService", "import", "use import_collections"),
    ("BackupService", "getDownloadURL", "use get_download_url"),
    ("LogService", "get_requests_list", "use get_list"),
    ("SettingsService", "testS3", "use test_s3"),
    ("Realtime", "clientId", "use client_id"),
    ("Realtime", "unsubscribeByPrefix", "use unsubscribe_by_prefix"),
    ("Batch", "requests", "use queue"),
    ("AuthStore", "isValid", "use is_valid"),
    ("AuthStore", "model", "use record"),
    ("AuthStore", "isAdmin", "use is_superuser"),
    ("AuthStore", "base_token", "use token"),
    ("AuthStore", "loadFromCookie", "use load_from_cookie"),
    ("PocketBaseError", "response", "use data"),
    ("PocketBaseError", "is_abort", "asyncio.CancelledError"),
    ("PocketBaseError", "isAbort", "asyncio.CancelledError"),
    ("PocketBaseError", "originalError", "use __cause__"),
]


@pytest.mark.parametrize(("owner", "name", "words"), CASES)
def test_a_name_of_another_sdk_is_answered_with_ours(owner: str, name: str, words: str) -> None:
    with pytest.raises(AttributeError, match=f"object has no attribute '{name}'; .*{re.escape(words)}"):
        getattr(OBJECTS[owner], name)
    assert not hasattr(OBJECTS[owner], name)


@pytest.mark.parametrize("owner", [owner for owner in ADVICE if owner in OBJECTS])
def test_each_name_that_the_advice_recommends_exists(owner: str) -> None:
    for name, text in ADVICE[owner].items():
        assert not hasattr(OBJECTS[owner], name), f"{owner}.{name} exists"
        match = re.match(r"use ([\w.]+)(?: of the client)?", text)
        recommended = match[1] if match else ""
        target: Any = PB if " of the client" in text else OBJECTS[owner]
        for part in recommended.split("."):
            target = getattr(target, part) if part else target


@pytest.mark.parametrize(
    ("name", "ours"), [("Client", "PocketBase"), ("ClientResponseError", "PocketBaseError"), ("RecordModel", "dict")]
)
def test_importing_a_name_of_another_sdk_says_what_to_import(name: str, ours: str) -> None:
    code = f"from pocketbase_core import {name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert re.search(rf"ImportError: pocketbase_core has no '{name}'; .*{ours}", done.stderr)


def test_each_class_that_the_advice_for_imports_recommends_exists() -> None:
    for text in ADVICE["pocketbase_core"].values():
        if match := re.fullmatch(r"use (\w+)", text):
            assert match[1] in pocketbase_core.__all__


def test_any_other_missing_attribute_is_the_usual_error_which_suggests_similar_names() -> None:
    posts = PB.collection("posts")
    with pytest.raises(AttributeError, match=r"^'RecordService' object has no attribute 'get_frist'$") as caught:
        getattr(posts, "get_frist")
    assert (caught.value.name, caught.value.obj) == ("get_frist", posts)


def test_the_error_of_a_property_of_a_subclass_is_not_replaced() -> None:
    class Mine(PocketBase):
        @property
        def cached(self) -> Any:
            return getattr(self, "_cached")

    with pytest.raises(AttributeError, match="no attribute '_cached'"):
        getattr(Mine("http://h"), "cached")


def test_copies_pickles_and_mocks_work_as_without_these_names() -> None:
    error = PocketBaseError("http://h", 418, {"a": 1})
    assert pickle.loads(pickle.dumps(error)).args == copy.deepcopy(error).args == error.args
    store = AuthStore()
    store.save("t", {"id": "a"})
    assert copy.copy(store).token == "t"
    for each in OBJECTS.values():
        copy.copy(each)
        inspect.getmembers(each)
        mock.create_autospec(each)
        assert not hasattr(each, "_repr_html_")
        assert not hasattr(each, "__deepcopy__")
    fake = mock.AsyncMock(spec=PocketBase)
    with pytest.raises(AttributeError):
        getattr(fake, "authStore")
