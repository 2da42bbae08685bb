"""An SMTP server on loopback that keeps the mails it receives."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP


class Mailbox:
    """The mails that an SMTP server has received, in order."""

    def __init__(self) -> None:
        self.port = 0
        self.mails: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        """Address and text of each mail."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep a mail; aiosmtpd calls this."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(("plain", "html"))
        assert body is not None
        await self.mails.put((envelope.rcpt_tos[0], body.get_content()))
        return "250 OK"

    async def find(self, address: str, pattern: str) -> str:
        """Return what the group of the pattern matches in the next mail to this address."""
        to = text = ""
        while to != address:
            to, text = await asyncio.wait_for(self.mails.get(), 10)
        found = re.search(pattern, text)
        assert found, text
        return found[1]

    async def token(self, address: str) -> str:
        """Return the token in the link of the next mail to this address."""
        return await self.find(address, r"/([\w-]+\.[\w-]+\.[\w-]+)")


@asynccontextmanager
async def open_mailbox() -> AsyncGenerator[Mailbox, None]:
    """Run an SMTP server for the length of the block."""
    loop, box = asyncio.get_running_loop(), Mailbox()
    server = await loop.create_server(lambda: SMTP(box, loop=loop, enable_SMTPUTF8=True), "127.0.0.1", 0)
    with closing(server):
        box.port = server.sockets[0].getsockname()[1]
        yield box
