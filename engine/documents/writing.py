"""A document in the form asked for: Markdown, a page of HTML, or the data that its template gets."""

import re
from typing import Literal, NamedTuple, TypeAlias

import orjson

from engine.documents.pages import page, to_html
from engine.documents.rendering import Press
from engine.documents.situation import Data

_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
Format: TypeAlias = Literal["md", "html", "json"]


class Document(NamedTuple):
    """What is to be written, and by which template."""

    template: str
    title: str
    """Of the page; plain text."""
    data: Data


class Written(NamedTuple):
    """The text, and the names that the template asked for and the data does not have."""

    text: str
    undefined: tuple[str, ...] = ()


def write(press: Press, document: Document, form: Format) -> Written:
    """TemplateError where the template cannot be filled in."""
    if form == "json":
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return Written(orjson.dumps(document.data, option=options).decode())
    text, undefined = press.render(document.template, document.data)
    text = _BLANK_LINES.sub("\n\n", text).strip("\n") + "\n"  # what tags leave behind means nothing
    if form == "html":
        text = page(document.title, to_html(text))
    return Written(text, undefined)
