"""The files that pages load: known by their content, so that a browser may keep each for ever."""

from base64 import b64encode
from hashlib import sha384
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).with_name("static")
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


class Asset(NamedTuple):
    """One file of `static`."""

    url: str
    """With a hash of all files in it: another content has another address."""
    integrity: str
    """For the tag that loads it (Subresource Integrity)."""
    type: str
    content: bytes


def load() -> dict[str, Asset]:
    """By the path within the folder, such as `vendor/htmx.min.js`."""
    files = {
        file.relative_to(_FOLDER).as_posix(): file.read_bytes()
        for file in sorted(_FOLDER.rglob("*"))
        if file.suffix in _TYPES
    }
    release = sha384(b"".join(files.values())).hexdigest()[:16]  # of all: scripts import one another
    return {
        name: Asset(
            f"/static/{release}/{name}",
            f"sha384-{b64encode(sha384(content).digest()).decode()}",
            _TYPES[Path(name).suffix],
            content,
        )
        for name, content in files.items()
    }
