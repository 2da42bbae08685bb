"""What visitors do at the guestbook, and how the page is looked at."""

import math
import re
import struct
import zlib
from importlib.resources import files
from pathlib import Path
from typing import Literal

from playwright.async_api import Locator, Page

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def evening(width: int = 640, height: int = 400) -> bytes:
    """Return a picture of the sky above a hill, as PNG."""
    ridge = [height * (0.7 + 0.1 * math.sin(column / 90) + 0.02 * math.sin(column / 23)) for column in range(width)]
    rows = bytearray()
    for row in range(height):
        sky, hill = bytes((250 - row // 6, 214 - row // 8, 180 + row // 10)), b"\x2b\x5a\x4b"
        rows += b"\0" + b"".join(sky if row < top else hill for top in ridge)

    def chunk(chunk_type: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + chunk_type + data + struct.pack(">I", zlib.crc32(chunk_type + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b"")


async def sign_in(window: Page, name: str, password: str = "long enough") -> None:
    await window.get_by_label("Name").fill(name)
    await window.get_by_label("Password").fill(password)
    await window.get_by_role("button", name="Sign in").click()


async def post(window: Page, message: str, image: bytes | None = None, description: str = "") -> None:
    await window.get_by_label("Message").fill(message)
    if image is not None:
        await window.get_by_label(re.compile("^Picture")).set_input_files(
            {"name": "evening.png", "mimeType": "image/png", "buffer": image}
        )
        await window.get_by_label("Description").fill(description)
    await window.get_by_role("button", name="Post").click()


def entry(window: Page, message: str) -> Locator:
    return window.get_by_role("article").filter(has_text=message)


async def look(window: Page, pictures: Path, name: str) -> None:
    """Take a screenshot in each color scheme. Nothing may overflow, and axe may find no problem."""
    for scheme in SCHEMES:
        await window.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await window.screenshot(path=pictures / f"{name}-{scheme}.png", full_page=True)
        await window.evaluate(AXE)
        found = await window.evaluate("axe.run()")
        assert len(found["passes"]) > 10
        assert [each["id"] for each in found["violations"]] == []
    assert await window.evaluate("document.documentElement.scrollWidth <= innerWidth")
