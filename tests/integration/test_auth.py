"""Every way to sign in, with real e-mails and a real provider."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from pocketbase_core import (
    AuthStore,
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseError,
    PocketBaseNotFoundError,
    PocketBaseTimeoutError,
    PocketBaseUnauthorizedError,
)
from pocketbase_core.ports import Transport
from pocketbase_core.services.records import RecordService
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.mailbox import Mailbox, open_mailbox
from ..helpers.oidc import Provider, open_like_a_browser, run_provider
from ..helpers.shared_collections import IS_LEGACY, VERSION, client_of
from .conftest import MakeClient

pytestmark = pytest.mark.both_faces

PASSWORD = "password123"
CAPTCHA = {"captcha": "solved"}
HOOKS = "".join(
    f"""
    {hook}((e) => {{
        const body = e.requestInfo ? e.requestInfo().body : $apis.requestInfo(e.httpContext).data
        if (body["captcha"] !== "solved") throw new BadRequestError("solve the captcha")
        if (e.next) e.next()
    }}, "guarded")
    """
    for hook in (
        ("onRecordAuthRequest", "onRecordBeforeRequestVerificationRequest")
        if IS_LEGACY
        else ("onRecordAuthRequest", "onRecordRequestOTPRequest", "onRecordRequestVerificationRequest")
    )
)
"""Hooks that let nobody into the collection `guarded` without a captcha."""


@pytest_asyncio.fixture(scope="module")
async def mailbox() -> AsyncGenerator[Mailbox, None]:
    async with open_mailbox() as box:
        yield box


@pytest_asyncio.fixture(scope="module")
async def oidc() -> AsyncGenerator[Provider, None]:
    async with run_provider() as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def auth_server(mailbox: Mailbox, oidc: Provider) -> AsyncGenerator[LocalServer, None]:
    async with LocalServer(VERSION, HOOKS) as server, client_of(server.url, transport=AiohttpTransport()) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        await pb.settings.update({"smtp": {"enabled": True, "host": "127.0.0.1", "port": mailbox.port}})
        await oidc.add_to(pb, "users", mappedFields={"name": "name"})
        otp = {} if IS_LEGACY else {"otp": {"enabled": True, "length": 8}}
        await pb.collections.create({"name": "guarded", "type": "auth", "createRule": "", **otp})
        await oidc.add_to(pb, "guarded")
        yield server


@pytest_asyncio.fixture(scope="module")
async def members(auth_server: LocalServer) -> None:
    """The collection `members`, which needs a second factor."""
    async with client_of(auth_server.url, transport=AiohttpTransport()) as pb:
        await pb.admins.auth.with_password(*auth_server.superuser)
        collection = {
            "name": "members",
            "type": "auth",
            "updateRule": "id = @request.auth.id",
            "createRule": "",
            "mfa": {"enabled": True, "duration": 60},
            "otp": {"enabled": True, "length": 8, "duration": 60},
        }
        await pb.collections.create({**collection, "authAlert": {"enabled": False}})


@pytest_asyncio.fixture
async def anybody(
    auth_server: LocalServer, transport: Transport, make_client: MakeClient
) -> AsyncGenerator[PocketBase, None]:
    async with make_client(auth_server.url, transport=transport) as pb:
        yield pb


@pytest_asyncio.fixture
async def admin(
    auth_server: LocalServer, transport: Transport, make_client: MakeClient
) -> AsyncGenerator[PocketBase, None]:
    async with make_client(auth_server.url, transport=transport) as pb:
        await pb.admins.auth.with_password(*auth_server.superuser)
        yield pb


async def new_user(admin: PocketBase, collection: str = "users") -> dict[str, Any]:
    body = {"email": f"{secrets.token_hex(6)}@example.com", "password": PASSWORD}
    return await admin.collection(collection).create(body)


async def is_dead(users: RecordService[Any], token: str) -> None:
    with pytest.raises(PocketBaseUnauthorizedError):
        await users.auth.refresh(headers={"Authorization": token})


@pytest.mark.refused_by_legacy("a second factor")
@pytest.mark.usefixtures("members")
async def test_a_password_and_a_one_time_password_sign_in_with_mfa(
    anybody: PocketBase, admin: PocketBase, mailbox: Mailbox
) -> None:
    user, members = await new_user(admin, "members"), anybody.collection("members")
    with pytest.raises(PocketBaseUnauthorizedError) as caught:
        await members.auth.with_password(user["email"], PASSWORD)
    mfa_id = caught.value.mfa_id
    assert mfa_id
    assert not anybody.auth_store.token, "the password alone signs nobody in"
    otp_id = (await members.auth.request_otp(user["email"]))["otpId"]
    code = await mailbox.find(user["email"], r"(\d{8})")
    with pytest.raises(PocketBaseBadRequestError):
        await members.auth.with_otp(otp_id, "00000000", mfa_id)
    assert not anybody.auth_store.token, "a wrong code signs nobody in"
    result = await members.auth.with_otp(otp_id, code, mfa_id=mfa_id)
    assert result["record"]["id"] == user["id"]
    assert anybody.auth_store.is_valid
    with pytest.raises(PocketBaseBadRequestError):
        await members.auth.with_otp(otp_id, code, mfa_id)
    assert (await members.auth.request_otp("nobody@example.com"))["otpId"], (
        "the response must not show who has an account"
    )


@pytest.mark.refused_by_legacy("one-time passwords")
@pytest.mark.usefixtures("members")
async def test_an_expired_otp_is_refused_on_a_recent_server(
    anybody: PocketBase, admin: PocketBase, mailbox: Mailbox
) -> None:
    user, members = await new_user(admin, "members"), anybody.collection("members")
    otp_id = (await members.auth.request_otp(user["email"]))["otpId"]
    code = await mailbox.find(user["email"], r"(\d{8})")
    sent = f"select sentTo from _otps where id = '{otp_id}' and sentTo != ''"
    while not (await admin.sql.run(sent))["rows"]:
        pass  # the server saves the record again once the mail is sent
    await admin.sql.run(f"update _otps set created = '2020-01-01 00:00:00.000Z' where id = '{otp_id}'")
    with pytest.raises(PocketBaseBadRequestError, match="OTP"):
        await members.auth.with_otp(otp_id, code)
    assert not anybody.auth_store.token


async def test_a_confirmed_verification_changes_the_own_record_alone(
    anybody: PocketBase, admin: PocketBase, mailbox: Mailbox
) -> None:
    user, users = await new_user(admin), anybody.collection("users")
    await users.auth.with_password(user["email"], PASSWORD)
    await users.auth.request_verification(user["email"])
    token = await mailbox.token(user["email"])
    other = anybody.with_auth_store(AuthStore())
    other.auth_store.save("t", {**user, "id": "somebody else"})
    await other.collection("users").auth.confirm_verification(token, headers={"Authorization": ""})
    assert (other.auth_store.record or {})["verified"] is False, "the record of another user changed"
    await users.auth.confirm_verification(token)
    assert (anybody.auth_store.record or {})["verified"] is True
    assert (await users.auth.refresh())["record"]["verified"] is True
    with pytest.raises(PocketBaseBadRequestError) as caught:
        await users.auth.confirm_verification("broken")
    assert "token" in caught.value.field_errors


async def test_a_password_reset_ends_the_session_and_works_once(
    anybody: PocketBase, admin: PocketBase, mailbox: Mailbox
) -> None:
    user, users = await new_user(admin), anybody.collection("users")
    old = (await users.auth.with_password(user["email"], PASSWORD))["token"]
    await users.auth.request_password_reset(user["email"])
    token = await mailbox.token(user["email"])
    with pytest.raises(PocketBaseBadRequestError) as caught:
        await users.auth.confirm_password_reset(token, "new-password", "another")
    assert "passwordConfirm" in caught.value.field_errors
    assert anybody.auth_store.token == old, "a refused reset ends the session"
    await users.auth.confirm_password_reset(token, "new-password")
    assert not anybody.auth_store.token
    await is_dead(users, old)
    with pytest.raises(PocketBaseBadRequestError):
        await users.auth.confirm_password_reset(token, "new-password")
    await users.auth.with_password(user["email"], "new-password")


async def test_a_new_password_of_the_signed_in_user_ends_the_session(anybody: PocketBase, admin: PocketBase) -> None:
    user, users = await new_user(admin), anybody.collection("users")
    old = (await users.auth.with_password(user["email"], PASSWORD))["token"]
    await users.update(user["id"], {"emailVisibility": True})
    assert anybody.auth_store.token == old, "an update of another field ends the session"
    await users.update(user["id"], {"password": PASSWORD, "oldPassword": PASSWORD})
    assert not anybody.auth_store.token
    await is_dead(users, old)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"email": "new"},
        {"password": "new-password"},
        pytest.param({"tokenKey:autogenerate": ""}, marks=pytest.mark.refused_by_legacy("a token key of superusers")),
    ],
)
async def test_a_new_email_password_or_token_key_ends_the_session_of_a_superuser(
    change: dict[str, str], anybody: PocketBase, admin: PocketBase
) -> None:
    user = await new_user(admin, "_superusers")
    await anybody.admins.auth.with_password(user["email"], PASSWORD)
    await anybody.admins.update(user["id"], {"emailVisibility": False})
    assert anybody.auth_store.is_valid
    new = {key: f"new-{user['email']}" if value == "new" else value for key, value in change.items()}
    await anybody.admins.update(user["id"], new)
    assert not anybody.auth_store.token


@pytest.mark.refused_by_legacy("a secret of a collection")
async def test_a_new_secret_ends_the_sessions_of_a_collection(anybody: PocketBase, admin: PocketBase) -> None:
    await admin.collections.update("_superusers", {"authToken": {"duration": 86400}})
    old = admin.auth_store.token
    await admin.collections.update("_superusers", {"authToken": {"secret": secrets.token_hex(25)}})
    assert not admin.auth_store.token
    await is_dead(anybody.admins, old)


async def test_a_confirmed_email_change_ends_the_session(
    anybody: PocketBase, admin: PocketBase, mailbox: Mailbox
) -> None:
    user, users = await new_user(admin), anybody.collection("users")
    await users.auth.with_password(user["email"], PASSWORD)
    new = f"new-{user['email']}"
    await users.auth.request_email_change(new)
    token = await mailbox.token(new)
    with pytest.raises(PocketBaseBadRequestError):
        await users.auth.confirm_email_change(token, "wrong")
    assert anybody.auth_store.token
    await users.auth.confirm_email_change(token, PASSWORD)
    assert not anybody.auth_store.token
    await users.auth.with_password(new, PASSWORD)


async def test_oauth2_in_a_browser_signs_in_and_links_the_account(
    anybody: PocketBase, admin: PocketBase, oidc: Provider
) -> None:
    subject, users, proved = secrets.token_hex(6), anybody.collection("users"), oidc.tokens_granted
    oidc.user = {"sub": subject, "name": "Grace", "email": f"{subject}@example.com", "email_verified": True}
    opened: list[str] = []

    async def open_url(url: str) -> None:
        opened.append(url)
        await open_like_a_browser(url)

    result = await users.auth.with_oauth2_browser("oidc", open_url, scopes=["openid", "email"], timeout=20)
    assert parse_qs(urlsplit(opened[0]).query)["scope"] == ["openid email"]
    assert result["record"]["email"] == f"{subject}@example.com"
    assert result["meta"]["name"] == "Grace"
    assert anybody.auth_store.token == result["token"]
    assert oidc.tokens_granted == proved + 1, "the provider granted exactly one token"

    links = await admin.collection("users").auth.list_external_auths(result["record"]["id"])
    assert [(link["provider"], link["providerId"]) for link in links] == [("oidc", subject)]
    await admin.collection("users").auth.unlink_external_auth(result["record"]["id"], "oidc")
    assert await admin.collection("users").auth.list_external_auths(result["record"]["id"]) == []
    with pytest.raises(PocketBaseNotFoundError):
        await admin.collection("users").auth.unlink_external_auth(result["record"]["id"], "oidc")


async def test_oauth2_by_code_signs_in_once_for_each_code(anybody: PocketBase, oidc: Provider) -> None:
    subject, users = secrets.token_hex(6), anybody.collection("users")
    oidc.user = {"sub": subject, "email": f"{subject}@example.com", "email_verified": True}
    (offered,) = (await users.auth.methods())["oauth2"]["providers"]
    payload = {
        "provider": "oidc",
        "code": oidc.grant(offered["codeChallenge"]),
        "codeVerifier": offered["codeVerifier"],
        "redirectUrl": f"{anybody.base_url}/back",
    }
    with pytest.raises(PocketBaseBadRequestError):
        await users.auth.with_OAuth2({**payload, "code": "made up"})
    assert (await users.auth.with_OAuth2(payload))["record"]["email"] == f"{subject}@example.com"
    with pytest.raises(PocketBaseBadRequestError):
        await users.auth.with_oauth2(payload)
    with pytest.raises(ValueError, match="lacks code"):
        await users.auth.with_oauth2({"provider": "oidc"})


async def test_oauth2_that_fails_leaves_nothing_behind(anybody: PocketBase) -> None:
    users = anybody.collection("users")
    tasks = asyncio.all_tasks()
    with pytest.raises(ValueError, match="no OAuth2 provider 'nobody'; offered: oidc"):
        await users.auth.with_oauth2_browser("nobody", lambda url: None)
    with pytest.raises(PocketBaseTimeoutError, match=r"nobody signed in within 0\.3 s"):
        await users.auth.with_oauth2_browser("oidc", lambda url: None, timeout=0.3)

    async def refuse(url: str) -> None:
        state = parse_qs(urlsplit(url).query)["state"][0]
        await open_like_a_browser(f"{anybody.base_url}/api/oauth2-redirect?state={state}&error=access_denied")

    with pytest.raises(PocketBaseError, match="refused: access_denied"):
        await users.auth.with_oauth2_browser("oidc", refuse)

    def broken(url: str) -> None:
        raise OSError("no browser here")

    with pytest.raises(OSError, match="no browser"):
        await users.auth.with_oauth2_browser("oidc", broken)
    assert not anybody.auth_store.token
    # httpx lets the loop close its generators, which takes a moment.
    async with asyncio.timeout(5):
        while any("scripted_server" not in repr(task) for task in asyncio.all_tasks() - tasks):
            await asyncio.sleep(0)


async def test_a_hook_of_the_server_reads_more_fields_of_a_sign_in(
    anybody: PocketBase, admin: PocketBase, oidc: Provider
) -> None:
    user, guarded = await new_user(admin, "guarded"), anybody.collection("guarded")
    with pytest.raises(PocketBaseBadRequestError, match="captcha"):
        await guarded.auth.with_password(user["email"], PASSWORD)
    await guarded.auth.with_password(user["email"], PASSWORD, body=CAPTCHA)
    with pytest.raises(PocketBaseBadRequestError, match="captcha"):
        await guarded.auth.refresh()
    await guarded.auth.refresh(body=CAPTCHA)
    if not IS_LEGACY:  # PocketBase 0.22 hides the outcome
        with pytest.raises(PocketBaseBadRequestError, match="captcha"):
            await guarded.auth.request_verification(user["email"])
    await guarded.auth.request_verification(user["email"], body=CAPTCHA)

    anybody.auth_store.clear()  # the server would link the account to the signed-in user
    subject = secrets.token_hex(6)
    oidc.user = {"sub": subject, "email": f"{subject}@example.com", "email_verified": True}
    result = await guarded.auth.with_oauth2_browser("oidc", open_like_a_browser, body=CAPTCHA, timeout=20)
    assert result["record"]["email"] == f"{subject}@example.com"


@pytest.mark.refused_by_legacy("one-time passwords")
async def test_a_hook_of_the_server_reads_more_fields_of_a_sign_in_with_a_one_time_password(
    anybody: PocketBase, admin: PocketBase, mailbox: Mailbox
) -> None:
    user, guarded = await new_user(admin, "guarded"), anybody.collection("guarded")
    with pytest.raises(PocketBaseBadRequestError, match="captcha"):
        await guarded.auth.request_otp(user["email"])
    otp_id = (await guarded.auth.request_otp(user["email"], {"body": CAPTCHA}))["otpId"]
    code = await mailbox.find(user["email"], r"(\d{8})")
    await guarded.auth.with_otp(otp_id, code, body=CAPTCHA)


every_choice = pytest.mark.parametrize(
    "fields", ["*", "token,record", "token,record.*", "token,record.id", "*,record.id"]
)


@pytest.mark.asynchronous_only(reason="options become a request in the same way, and each sign-in takes a while")
@every_choice
async def test_the_fields_of_a_sign_in_choose_a_part_of_the_record(
    fields: str, anybody: PocketBase, admin: PocketBase
) -> None:
    user, users = await new_user(admin), anybody.collection("users")
    result = await users.auth.with_password(user["email"], PASSWORD, fields=fields)
    assert result["record"]["id"] == user["id"]
    assert ("email" in result["record"]) is (not fields.endswith("record.id"))
    assert anybody.auth_store.is_valid
    refreshed = await users.auth.refresh(params={"fields": fields})
    assert anybody.auth_store.record == refreshed["record"]


@pytest.mark.asynchronous_only(reason="options become a request in the same way")
@pytest.mark.refused_by_legacy("impersonation")
@every_choice
async def test_the_fields_of_an_impersonation_choose_a_part_of_the_record(fields: str, admin: PocketBase) -> None:
    user = await new_user(admin)
    async with await admin.collection("users").auth.impersonate(user["id"], fields=fields) as acting:
        assert (await acting.collection("users").get_one(user["id"]))["id"] == user["id"]


@pytest.mark.refused_by_legacy("impersonation")
async def test_an_impersonated_client_leaves_the_session_of_the_superuser(admin: PocketBase) -> None:
    user, before = await new_user(admin), admin.auth_store.token
    async with await admin.collection("users").auth.impersonate(user["id"], 30) as acting:
        assert (acting.auth_store.record or {})["id"] == user["id"]
        assert not acting.auth_store.is_superuser
        await acting.collection("users").get_one(user["id"])
    assert admin.auth_store.token == before, "the superuser's session changed"
    assert (await admin.health.check())["code"] == 200, "closing the other client closed the transport"


async def test_a_failed_sign_in_shows_no_password(anybody: PocketBase, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with pytest.raises(PocketBaseBadRequestError) as caught:
        await anybody.collection("users").auth.with_password("a@example.com", "my-secret-word")
    assert "my-secret-word" not in f"{caught.value} {caught.value!r} {caplog.text}"


async def test_a_sign_in_a_refresh_and_an_update_keep_the_store_in_step(guest: PocketBase) -> None:
    users = guest.collection("users")
    with pytest.raises(PocketBaseBadRequestError, match="Failed to authenticate"):
        await users.auth.with_password("user@example.com", "wrong")
    assert not guest.auth_store.is_valid
    result = await users.auth.with_password("user@example.com", "password123", identity_field="email")
    assert result["token"] == guest.auth_store.token
    assert result["record"] == guest.auth_store.record
    assert guest.auth_store.is_valid
    assert not guest.auth_store.is_superuser
    again = await users.auth.refresh()
    assert again["record"]["id"] == result["record"]["id"]
    name = secrets.token_hex(4)
    await users.update(result["record"]["id"], {"name": name})
    assert (guest.auth_store.record or {})["name"] == name
    assert guest.auth_store.token == again["token"]


async def test_a_superuser_is_known_as_one_and_can_refresh(pb: PocketBase) -> None:
    assert pb.auth_store.is_superuser
    assert (await pb.admins.auth.refresh())["record"]["collectionName"] == "_superusers"
