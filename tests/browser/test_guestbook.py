"""The guestbook in `examples/aiohttp_app`, as visitors see it."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from pocketbase_core import PocketBase
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from .conftest import OpenWindow
from .visitors import entry, evening, look, post, sign_in

pytestmark = pytest.mark.browser


async def test_what_one_visitor_posts_the_other_sees(open_window: OpenWindow, pictures: Path) -> None:
    phone, desk = await open_window(390), await open_window(1280)
    await look(phone, pictures, "phone-empty")
    await look(desk, pictures, "desk-empty")
    for window in (phone, desk):
        await window.evaluate("window.loaded = 'once'")
    await sign_in(desk, "Maren Holt")
    await sign_in(phone, "Tomás")

    await post(desk, "We came in from the rain and were handed tea before our coats were off. Thank you.")
    await expect(entry(phone, "handed tea").get_by_role("heading")).to_have_text("Maren Holt")
    await post(phone, "The path over the ridge is open again.\nTake the left fork at the chapel.")
    await expect(entry(desk, "the left fork").get_by_role("heading")).to_have_text("Tomás")
    await post(desk, "The view from the upper window, at seven this evening.", evening())
    for window in (phone, desk):
        image = entry(window, "the upper window").get_by_role("img", name="A picture from Maren Holt")
        await image.scroll_into_view_if_needed()
        await expect(image).to_have_js_property("complete", True)
        await expect(image).to_have_js_property("naturalWidth", 640)
        await expect(window.get_by_role("article")).to_have_count(3)  # also for the visitor who posts
        assert await window.evaluate("window.loaded") == "once"
    await look(phone, pictures, "phone")
    await look(desk, pictures, "desk")


async def test_the_pages_go_on_when_pocketbase_restarts(open_window: OpenWindow, pocketbase: LocalServer) -> None:
    phone, desk = await open_window(390), await open_window(1280)
    await sign_in(desk, "Maren")
    await post(desk, "before it")
    await expect(entry(phone, "before it")).to_be_visible()
    async with phone.expect_response("**/entries/1"):  # the page reads the list again
        await pocketbase.restart()
    await post(desk, "after it")
    for window in (phone, desk):
        await expect(entry(window, "after it")).to_be_visible(timeout=15_000)
        await expect(window.get_by_role("article").get_by_role("paragraph")).to_have_text(["after it", "before it"])
    await sign_in(phone, "Tomás")
    await post(phone, "and live again")
    await expect(entry(desk, "and live again")).to_be_visible()


async def test_what_is_posted_while_the_list_is_read_is_shown_once_and_first(
    open_window: OpenWindow, pocketbase: LocalServer
) -> None:
    window, other = await open_window(390), await open_window(1280)
    await sign_in(other, "Maren")
    await post(other, "first")
    await expect(entry(window, "first")).to_be_visible()
    read, posted = asyncio.Event(), asyncio.Event()

    async def answer_late(route: Route) -> None:
        body = await (await route.fetch()).json()
        body["entries"][-1]["message"] = "first, and changed since"
        read.set()
        await posted.wait()
        await route.fulfill(json=body)

    await window.route("**/entries/1", answer_late)
    await window.evaluate("""new Promise(opened => {
        const events = new EventSource("/events")
        events.onopen = opened
        window.heard = new Promise(heard => events.addEventListener("create", heard))
    })""")
    await pocketbase.restart()
    await read.wait()
    await post(other, "meanwhile")
    await window.evaluate("window.heard")
    await expect(window.locator("#entries")).to_have_attribute("aria-busy", "true")
    posted.set()
    await expect(window.locator("#entries")).to_have_attribute("aria-busy", "false")
    texts = window.get_by_role("article").get_by_role("paragraph")
    await expect(texts).to_have_text(["meanwhile", "first, and changed since"])
    await window.unroute_all(behavior="wait")


async def test_older_entries_are_shown_page_by_page_on_request(
    open_window: OpenWindow, pocketbase: LocalServer
) -> None:
    async with PocketBase(pocketbase.url, transport=AiohttpTransport()) as pb:
        window = await open_window(390)
        await pb.admins.auth.with_password(*pocketbase.superuser)
        author = await pb.collection("guestbook_visitors").create({"name": "Maren", "password": "long enough"})
        entries = pb.collection("guestbook_entries")
        made = [await entries.create({"author": author["id"], "message": f"number {n}"}) for n in range(41)]
        await window.reload()
        articles = window.get_by_role("article")
        await expect(articles).to_have_count(20)
        for count in (40, 41):
            await window.get_by_role("button", name="Show older entries").click()
            await expect(articles).to_have_count(count)
        await expect(window.get_by_role("button", name="Show older entries")).to_be_hidden()
        await expect(articles.get_by_role("paragraph")).to_have_text([record["message"] for record in reversed(made)])
        await entries.delete(made[-1]["id"])
        await expect(articles).to_have_count(40)


async def test_a_visitor_stays_signed_in_after_a_reload_until_the_sign_out(
    open_window: OpenWindow, pictures: Path
) -> None:
    window, other = await open_window(390), await open_window(1280)
    await sign_in(window, "Maren")
    await expect(window.get_by_text("Signed in as Maren")).to_be_visible()
    assert await window.evaluate("document.cookie") == ""  # no script can read the token
    await window.reload()
    await expect(window.get_by_text("Signed in as Maren")).to_be_visible()

    await sign_in(other, "Maren", "another one")
    await expect(other.get_by_label("Password")).to_have_accessible_description(
        "8 characters or more This name is taken, and the password is wrong."
    )
    await look(other, pictures, "desk-refused")
    await sign_in(other, "Maren")
    await expect(other.get_by_text("Signed in as Maren")).to_be_visible()
    await expect(other.get_by_label("Message")).to_be_focused()

    await window.get_by_role("button", name="Sign out").click()
    await expect(window.get_by_label("Name")).to_be_focused()
    await window.reload()
    await expect(window.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(window.get_by_label("Message")).to_be_hidden()


async def test_what_looks_like_markup_is_shown_as_text(open_window: OpenWindow) -> None:
    window, other = await open_window(1280), await open_window(390)
    name = "<b onmouseover=alert(1)>Eve</b>"
    message = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
    await sign_in(window, name)
    await post(window, message)
    for page in (window, other):
        await expect(page.get_by_role("article").get_by_role("paragraph")).to_have_text(message)
        await expect(page.get_by_role("article").get_by_role("heading")).to_have_text(name)
        await expect(page.locator("#entries :is(script, img, b)")).to_have_count(0)
        await expect(page).to_have_title("Guestbook")


async def test_a_visitor_who_is_not_signed_in_cannot_post_and_loses_no_text(open_window: OpenWindow) -> None:
    window = await open_window(390)
    await sign_in(window, "Maren")
    await expect(window.get_by_text("Signed in as Maren")).to_be_visible()
    await window.context.clear_cookies()
    await post(window, "a long letter", evening())
    await expect(window.get_by_role("alert")).to_have_text("Please sign in first.")
    await expect(window.get_by_role("article")).to_have_count(0)
    await sign_in(window, "Maren")
    await expect(window.get_by_label("Message")).to_have_value("a long letter")  # the text is still there
    await window.get_by_role("button", name="Post").click()
    await expect(entry(window, "a long letter").get_by_role("img")).to_be_visible()
