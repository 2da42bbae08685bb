"""The guestbook by keyboard and screen reader: roles, names, order of the focus, errors, announcements, contrast."""

import datetime
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

import examples.aiohttp_app

from .conftest import OpenWindow
from .visitors import entry, evening, look, post, sign_in

pytestmark = pytest.mark.browser
STYLE = Path(examples.aiohttp_app.__file__).with_name("page") / "style.css"
GUEST = """
- link "Skip to the entries"
- banner:
  - heading "Guestbook" [level=1]
  - paragraph: Leave a few words, and a picture if you like. Whoever has this page open sees them at once.
  - status: Live
- form "Sign in":
  - heading "Sign in" [level=2]
  - paragraph
  - text: Name
  - textbox "Name"
  - text: Password
  - textbox "Password"
  - paragraph: 8 characters or more
  - button "Sign in"
  - alert
- main "Entries":
  - heading "Entries" [level=2]
  - status
  - paragraph: Nobody has written yet. Be the first.
  - list
"""
AUTHOR = """
- form "Write an entry":
  - heading "Write an entry" [level=2]
  - paragraph:
    - text: Signed in as
    - strong: Maren
  - button "Sign out"
  - text: Message
  - textbox "Message"
  - text: Picture (optional, up to 5 MB)
  - button "Picture (optional, up to 5 MB)"
  - button "Post"
  - alert
- main "Entries":
  - heading "Entries" [level=2]
  - status: Your entry is posted.
  - list:
    - listitem:
      - article "Maren":
        - heading "Maren" [level=3]
        - time
        - button "Edit “hello”": Edit
        - button "Delete “hello”": Delete
        - paragraph: hello
        - img "A picture from Maren"
"""


async def expect_order(window: Page, names: Sequence[str | re.Pattern[str]]) -> None:
    """Expect Tab to move the focus to controls with these names, in this order, each with a visible outline."""
    await window.evaluate("document.activeElement.blur()")
    for name in names:
        await window.keyboard.press("Tab")
        focused = window.locator(":focus")
        await expect(focused).to_have_accessible_name(name)
        await expect(focused).to_have_css("outline-style", "solid")
        await expect(focused).to_be_in_viewport(ratio=0.9)


async def test_roles_names_and_the_order_of_the_focus(open_window: OpenWindow, pictures: Path) -> None:
    window = await open_window(768)
    await expect(window.get_by_role("form", name="Sign in")).to_be_visible()
    await expect(window.locator("body")).to_match_aria_snapshot(GUEST)
    await expect_order(window, ["Skip to the entries", "Name", "Password", "Sign in"])
    await sign_in(window, "Maren")
    await expect(window.get_by_label("Message")).to_be_focused()
    await post(window, "hello", evening())
    await expect(entry(window, "hello").get_by_role("img")).to_be_visible()
    await expect(window.locator("body")).to_match_aria_snapshot(AUTHOR)
    await window.reload()
    await expect(window.get_by_role("button", name="Edit")).to_be_visible()
    picture, tools = re.compile("^Picture"), ("Edit “hello”", "Delete “hello”")
    await expect_order(window, ["Skip to the entries", "Sign out", "Message", picture, "Post", *tools])
    await look(window, pictures, "tablet")
    await window.get_by_role("button", name="Edit").click()
    form = window.get_by_role("form", name="Edit your entry")
    for name in (re.compile("^New picture"), re.compile("^Description"), "Remove the picture", "Save", "Cancel"):
        await window.keyboard.press("Tab")
        await expect(form.locator(":focus")).to_have_accessible_name(name)


async def test_errors_are_bound_to_their_fields_and_the_first_one_is_focused(
    open_window: OpenWindow, pictures: Path
) -> None:
    window = await open_window(390)
    name, password = window.get_by_label("Name"), window.get_by_label("Password")
    await password.press_sequentially("short")
    await window.get_by_role("button", name="Sign in").click()
    await expect(name).to_be_focused()
    await expect(name).to_have_accessible_description(re.compile("fill"))
    await expect(password).to_have_accessible_description(re.compile("8 characters or more .*8 characters"))
    for field in (name, password):
        await expect(field).to_have_attribute("aria-invalid", "true")
    await look(window, pictures, "phone-invalid")
    await sign_in(window, "Maren")
    message, picture = window.get_by_label("Message"), window.get_by_label(re.compile("^Picture"))
    await expect(message).to_be_focused()
    await message.fill("with a large picture")
    large = bytes(5 * 1024 * 1024 + 1)
    await picture.set_input_files({"name": "large.png", "mimeType": "image/png", "buffer": large})
    await window.get_by_role("button", name="Post").click()
    await expect(picture).to_be_focused()
    await expect(picture).to_have_accessible_description("The picture is larger than 5 MB.")
    await picture.set_input_files([])
    await window.context.clear_cookies()
    await window.get_by_role("button", name="Post").click()
    await expect(name).to_be_focused()  # the form to write has gone
    await expect(name).not_to_have_attribute("aria-invalid", "true")


async def test_entries_of_others_are_announced_together_and_ones_own_are_not(open_window: OpenWindow) -> None:
    window, author = await open_window(390), await open_window(1280)
    for each in (window, author):
        await each.clock.install()
        await each.clock.pause_at(datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1))
    await sign_in(author, "Maren")

    async def announced(messages: Sequence[str], text: str) -> None:
        for message in messages:
            await post(author, message)
            await expect(entry(window, message)).to_be_visible()
            await expect(author.get_by_label("Message")).to_have_value("")
        for each in (window, author):
            await each.clock.run_for(1000)
        await expect(window.locator("#news")).to_have_text(text)
        await expect(author.locator("#news")).to_have_text("Your entry is posted.")

    await announced(["first"], "New entry from Maren: first")
    await announced(["second", "third"], "2 new entries")


async def test_nothing_moves_for_visitors_who_prefer_reduced_motion(open_window: OpenWindow) -> None:
    window = await open_window(390)
    await sign_in(window, "Maren")
    await post(window, "hello")
    item = window.get_by_role("listitem")
    await window.emulate_media(reduced_motion="no-preference")
    await expect(item).to_have_css("animation-name", "appear")
    await window.emulate_media(reduced_motion="reduce")
    await expect(item).to_have_css("animation-name", "none")


def luminance(color: str) -> float:
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_the_palette_has_the_contrast_of_level_aa(scheme: int) -> None:
    palette = dict(re.findall(r"--([\w-]+): (#\w{6});", STYLE.read_text().split(":root {")[1 + scheme]))
    texts = [(text, ground) for text in ("ink", "soft", "accent", "problem") for ground in ("paper", "card")]
    texts += [("on-accent", "accent"), ("card", "problem")]
    shapes = [("field", "paper"), ("field", "card")]
    for least, pairs in ((4.5, texts), (3.0, shapes)):
        too_low = {pair: ratio for pair in pairs if (ratio := contrast(*(palette[name] for name in pair))) < least}
        assert not too_low
