"""A small real SMTP server: takes mail, or answers and breaks off as the test orders."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

CUT, SILENT = "cut", "silent"
_USUAL = {"STARTTLS": "220 go", "DATA": "354 go", "QUIT": "221 bye", "AUTH": "235 in"}


class Mailbox:
    """`says` overrides the answer to a command (`RCPT TO:<a@b>` before `RCPT`); `CUT` closes instead."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.taken: list[bytes] = []
        self.commands: list[str] = []
        self.says: dict[str, str] = {}
        self.contents: list[str] = []
        """Answers to the next messages; before what `says` has for them."""
        self.sessions = 0
        self.port = 0
        self._tls = tls

    @property
    def messages(self) -> list[EmailMessage]:
        return [cast("EmailMessage", message_from_bytes(raw, policy=default)) for raw in self.taken]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        try:
            writer.write(f"{self.says.get('hello', '220 mailbox')}\r\n".encode())
            while line := await reader.readline():
                if not await self._answer(line.decode().strip(), reader, writer):
                    break
        except (ConnectionError, ssl.SSLError):
            pass  # a client that does not trust us breaks off
        finally:
            self.sessions -= 1
            writer.close()

    async def _answer(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        verb = line.split(" ")[0].upper()
        line = verb + line[len(verb) :]
        if verb in ("MAIL", "RCPT"):  # Python 3.13 writes its `to:` small
            words, colon, path = line.partition(":")
            line = words.upper() + colon + path
        self.commands.append(line)
        usual = _USUAL | {"EHLO": self._ehlo()}
        answer = self.says.get(line, self.says.get(verb, usual.get(verb, "250 ok")))
        if answer == CUT:
            return False
        if answer != SILENT:
            writer.write(f"{answer}\r\n".encode())
        if verb == "STARTTLS" and answer.startswith("220") and self._tls:
            await writer.start_tls(self._tls)
        if verb == "DATA" and answer.startswith("354"):
            return await self._content(reader, writer)
        return verb != "QUIT"

    async def _content(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        content = await reader.readuntil(b"\r\n.\r\n")
        answer = self.contents.pop(0) if self.contents else self.says.get("content", "250 taken")
        if answer.startswith("2"):
            self.taken.append(content[:-3].replace(b"\r\n..", b"\r\n."))
        if answer == CUT:
            return False
        if answer != SILENT:
            writer.write(f"{answer}\r\n".encode())
        return True

    def _ehlo(self) -> str:
        more = "250-STARTTLS\r\n" if self._tls else ""
        return f"250-mailbox\r\n{more}250 AUTH PLAIN"


CUT, SILENT = "cut", "silent"


@asynccontextmanager
async def mailbox(
    tls: ssl.SSLContext | None = None, *, from_the_start: bool = False
) -> AsyncIterator[Mailbox]:
    """On a free port of 127.0.0.1, until the block ends. `tls`: offered by STARTTLS, or spoken at once."""
    found = Mailbox(None if from_the_start else tls)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=tls if from_the_start else None)
    try:
        found.port = server.sockets[0].getsockname()[1]
        yield found
    finally:
        server.close()
