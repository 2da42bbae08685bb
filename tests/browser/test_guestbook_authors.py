"""Entries of the guestbook that are edited and deleted, as their authors and the others see them."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from .conftest import OpenWindow
from .visitors import entry, evening, look, post, sign_in

pytestmark = pytest.mark.browser


async def press(window: Page, *keys: str) -> None:
    for key in keys:
        await window.keyboard.press(key)


async def test_an_entry_is_edited_by_keyboard_and_the_others_see_it(open_window: OpenWindow, pictures: Path) -> None:
    desk, phone = await open_window(1280), await open_window(390)
    await sign_in(desk, "Maren")
    await sign_in(phone, "Tomás")
    await post(desk, "The view at seven.", evening(), "A hill below an orange sky")
    await post(phone, "The path is open again.")
    await expect(entry(phone, "at seven").get_by_role("img")).to_have_accessible_name("A hill below an orange sky")
    await expect(entry(desk, "The path").get_by_role("button")).to_have_count(0)  # it is not Maren's

    edit = desk.get_by_role("button", name="Edit “The view at seven.”")
    await edit.focus()
    await press(desk, "Enter")
    form = desk.get_by_role("form", name="Edit your entry")
    await expect(form.get_by_label("Message")).to_be_focused()
    await look(desk, pictures, "desk-editing")
    await form.get_by_label("Message").fill(" ")
    await form.get_by_role("button", name="Save").focus()
    await press(desk, "Enter")
    await expect(form.get_by_label("Message")).to_be_focused()
    await expect(form.get_by_label("Message")).to_have_accessible_description("Cannot be blank.")
    await expect(form.get_by_label("Message")).to_have_attribute("aria-invalid", "true")
    await look(desk, pictures, "desk-editing-refused")
    await form.get_by_role("button", name="Cancel").focus()
    await press(desk, "Enter")
    await expect(form).to_have_count(0)
    await expect(edit).to_be_focused()

    await press(desk, "Enter")
    await press(desk, "Control+End", *" And at eight.")
    await form.get_by_label("Remove the picture").check()
    await form.get_by_role("button", name="Save").focus()
    await press(desk, "Enter")
    await expect(desk.get_by_role("button", name="Edit “The view at seven. And at eight.”")).to_be_focused()
    await expect(desk.locator("#news")).to_have_text("Your entry is saved.")
    for window in (desk, phone):
        changed = entry(window, "And at eight.")
        await expect(changed.get_by_text("edited")).to_be_visible()
        await expect(changed.get_by_role("img")).to_have_count(0)
        await expect(window.get_by_role("article").get_by_role("paragraph")).to_have_text(
            ["The path is open again.", "The view at seven. And at eight."]
        )


async def test_an_entry_is_deleted_by_keyboard_and_the_others_see_it(open_window: OpenWindow, pictures: Path) -> None:
    phone, desk = await open_window(390), await open_window(1280)
    await sign_in(phone, "Maren")
    for message in ("first", "second"):
        await post(phone, message)
        await expect(entry(desk, message)).to_be_visible()
    delete = phone.get_by_role("button", name="Delete “second”")
    await delete.focus()
    await press(phone, "Enter")
    dialog = phone.get_by_role("dialog", name="Delete this entry?")
    await expect(dialog).to_have_accessible_description("second")
    await expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    await look(phone, pictures, "phone-delete")
    await press(phone, "Escape")
    await expect(delete).to_be_focused()
    await press(phone, "Enter", "Enter")  # Keep it
    await expect(delete).to_be_focused()
    await press(phone, "Enter", "Shift+Tab", "Enter")
    await expect(entry(phone, "first")).to_be_focused()
    await expect(phone.locator("#news")).to_have_text("Your entry is deleted.")
    await expect(desk.get_by_role("article").get_by_role("paragraph")).to_have_text(["first"])

    await phone.get_by_role("button", name="Delete “first”").click()
    await dialog.get_by_role("button", name="Delete").click()
    await expect(phone.get_by_text("Nobody has written yet.")).to_be_focused()
    await expect(desk.get_by_text("Nobody has written yet.")).to_be_visible()


async def test_an_entry_that_is_deleted_elsewhere_keeps_what_is_being_typed(open_window: OpenWindow) -> None:
    window, other = await open_window(768), await open_window(1280)
    for each in (window, other):
        await sign_in(each, "Maren")
        await expect(each.get_by_text("Signed in as Maren")).to_be_visible()
    await post(window, "short-lived")
    await window.get_by_role("button", name="Edit").click()
    form = window.get_by_role("form", name="Edit your entry")
    await form.get_by_label("Message").fill("a long text")
    await other.get_by_role("button", name="Delete").click()
    await other.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(form.get_by_role("alert")).to_have_text("This entry has been deleted.")
    await expect(form.get_by_label("Message")).to_have_value("a long text")
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_role("alert")).to_have_text(re.compile("This entry is gone"))
    await form.get_by_role("button", name="Cancel").click()
    await expect(window.get_by_role("article")).to_have_count(0)


async def test_guests_and_other_visitors_have_no_buttons_and_forged_requests_change_nothing(
    open_window: OpenWindow,
) -> None:
    author, other = await open_window(768), await open_window(390)
    await sign_in(author, "Maren")
    await post(author, "mine")
    written = entry(other, "mine")
    await expect(written).to_be_visible()
    forge = """async (button) => {
        const path = "/entries/" + document.querySelector("#entries li").dataset.id
        const body = new URLSearchParams({message: "not mine"})
        const send = async (method) => (await fetch(path, {method, body})).status
        return [await send("PATCH"), await send("DELETE")]
    }"""
    await expect(written.get_by_role("button")).to_have_count(0)
    assert await other.evaluate(forge) == [401, 401]
    await sign_in(other, "Tomás")
    await expect(other.get_by_text("Signed in as Tomás")).to_be_visible()
    await expect(written.get_by_role("button")).to_have_count(0)
    assert await other.evaluate(forge) == [404, 404]
    # The page shows the buttons if it is told so. The application refuses what they send.
    await other.evaluate("document.querySelector('.tools').hidden = false")
    await written.get_by_role("button", name="Delete").click()
    dialog = other.get_by_role("dialog")
    await dialog.get_by_role("button", name="Delete").click()
    await expect(dialog.get_by_role("alert")).to_have_text(re.compile("not signed in as its author"))
    await author.reload()
    await expect(author.get_by_role("article").get_by_role("paragraph")).to_have_text(["mine"])
    await expect(author.get_by_role("button", name="Edit")).to_be_visible()
