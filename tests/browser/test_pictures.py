"""The pictures of the guestbook in the documentation. CONTRIBUTING.md has the command that takes them again."""

from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from .conftest import OpenWindow
from .visitors import SCHEMES, entry, evening, post, sign_in

pytestmark = pytest.mark.browser
LARGEST_PICTURE = 150_000


async def test_the_pictures_of_the_documentation_are_small(open_window: OpenWindow, pictures: Path) -> None:
    other, window = await open_window(390), await open_window(1280)
    await sign_in(window, "Maren Holt")
    await sign_in(other, "Tomás Rey")
    await post(other, "We came in from the rain and were handed tea before our coats were off. Thank you.")
    await expect(entry(window, "handed tea")).to_be_visible()
    await post(window, "The path over the ridge is open again.\nTake the left fork at the chapel.")
    await expect(entry(window, "the left fork")).to_be_visible()
    await post(other, "The view from the upper window, at seven this evening.", evening(), "A hill at dusk")
    await expect(entry(window, "the upper window")).to_be_visible()

    async def at_the_same_times(route: Route) -> None:
        body = await (await route.fetch()).json()
        for hour, shown in zip((19, 12, 9), body["entries"], strict=True):
            shown["created"] = f"2026-05-16 {hour:02}:04:00.000Z"
        await route.fulfill(json=body)

    await window.route("**/entries/1", at_the_same_times)
    await window.reload()
    await expect(window.get_by_text("16 May 2026, 19:04")).to_be_visible()
    await expect(window.get_by_role("img")).to_have_js_property("complete", True)
    await expect(window.get_by_text("Signed in as Maren Holt")).to_be_visible()
    for scheme, name in zip(SCHEMES, ("guestbook.png", "guestbook-dark.png"), strict=True):
        await window.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        picture = await window.screenshot(path=pictures / name, full_page=True)
        assert len(picture) < LARGEST_PICTURE
    await window.unroute_all(behavior="wait")
