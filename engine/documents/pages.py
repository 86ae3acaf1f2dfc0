"""Markdown → one HTML file that needs nothing else: light and dark, on screen and on paper."""

import html
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token

from engine.documents.press import MISSING

_HERE = Path(__file__).parent


def to_html(markdown: str) -> str:
    """The body of a page. Raw HTML in it stays text; links lead to http, https, mailto or into the page."""
    made: str = _parser().render(markdown)
    missing = MISSING.strip("_")
    return made.replace(f"<em>{missing}</em>", f'<em class="missing">{missing}</em>')


def page(title: str, body: str, style: str = "") -> str:
    """The whole file around a body of HTML; `style` is CSS that this page needs beside that of all."""
    sheet = (_HERE / "page.css").read_text("utf-8") + style
    frame = Template((_HERE / "page.html").read_text("utf-8"))
    allowed = f"sha256-{b64encode(sha256(sheet.encode()).digest()).decode()}"
    return frame.substitute(title=html.escape(title), style=sheet, hash=allowed, body=body)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)
    return parser


def _open_table(self: RendererProtocol, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """A wide table scrolls alone, with the keyboard too; the page does not."""
    return '<div class="scroller" tabindex="0">\n<table>\n'


def _close_table(self: RendererProtocol, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return "</table>\n</div>\n"
