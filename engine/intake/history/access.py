"""Where a source's history is asked for, and as whom."""

from urllib.parse import urlsplit

from msgspec import Struct

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Hosts that may be asked without TLS: nobody listens on the way there."""


class Access(Struct, frozen=True):
    """What a door's configuration says of its history."""

    url: str
    """Of the source's API, without a path: `https://acme.zendesk.com`."""
    token: str
    user: str = ""
    """Whose token it is: then both go as Basic; empty: as Bearer."""
    jql: str = ""
    """Of Jira: which issues."""
    proxy: str = ""

    def __repr__(self) -> str:
        return f"Access({self.url!r}, {self.user!r})"  # a log or a traceback may show it


def must_be_url(url: str) -> str:
    """The URL without its last slash. ValueError says what was expected of it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("a URL such as https://acme.zendesk.com") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError("a URL that begins with https:// (http:// on this machine only)")
    if not parts.hostname or port == 0 or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("a URL of a host, without a path, such as https://acme.zendesk.com")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL without user and password: they are `user` and `token`")
    return url.rstrip("/")
