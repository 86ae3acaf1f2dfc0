"""A Markdown document taken apart by its parser: sections, and in them texts, items and rows, by line."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

MARK = "To fill in."
"""A block quote that begins so tells what belongs in its place, and is no content."""


class Text(NamedTuple):
    """The plain text of a paragraph, a heading, a list item's line or a cell."""

    line: int
    """In the file, from 1."""
    text: str
    link: str = ""
    """Where its first link leads; empty where it has none."""


class Section(NamedTuple):
    """From a `##` heading to the next; that before the first has no name."""

    name: str
    line: int
    end: int
    """The first line that is not its own."""
    texts: list[Text]
    """Everything but marks."""
    items: list[Text]
    """Of its lists, each item whole."""
    rows: list[list[Text]]
    """Of its tables, without their heads."""
    mark_line: int
    """Where a mark stands; 0: none does."""


class Outline(NamedTuple):
    sections: list[Section]
    references: dict[str, str]
    """What link reference definitions say: nobody sees them in the page. Label (as normalised) → value."""

    def section(self, name: str) -> Section | None:
        """By its heading, whatever its case."""
        return next((one for one in self.sections if one.name.casefold() == name.casefold()), None)

    def note(self, label: str) -> str | None:
        return self.references.get(normalizeReference(label))


def outline(markdown: str) -> Outline:
    """The document's parts. There is nothing that Markdown refuses."""
    env: dict[str, Any] = {}
    tokens = _parser().parse(markdown, env)
    end = markdown.count("\n") + 1
    starts = [at for at, token in enumerate(tokens) if _is_section(token)]
    bounds = [0, *starts, len(tokens)]
    sections = []
    for first, last in pairwise(bounds):
        following = tokens[last].map if last < len(tokens) else None
        until = end + 1 if following is None else following[0] + 1
        sections.append(_section(tokens[first:last], until))
    references = {label: unquote(one["href"][1:]) for label, one in env.get("references", {}).items()}
    return Outline(sections, references)


def note(label: str, value: str) -> str:
    """The line of Markdown that `Outline.note` reads."""
    return f"[{label}]: #{quote(value, safe='')}"


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _is_section(token: Token) -> bool:
    return token.type == "heading_open" and token.markup == "##" and token.level == 0


def _section(tokens: list[Token], end: int) -> Section:
    name, line, body = "", 1, tokens
    if tokens and _is_section(tokens[0]):
        name, line, body = _plain(tokens[1]), _line(tokens[0], 1), tokens[3:]
    content, mark_line = _without_marks(body)
    return Section(
        name, line, end, list(_texts(content, line)), _items(content, line), _rows(content, line), mark_line
    )


def _without_marks(tokens: list[Token]) -> tuple[list[Token], int]:
    kept: list[Token] = []
    mark_line, at = 0, 0
    while at < len(tokens):
        token = tokens[at]
        if token.type == "blockquote_open" and _plain(tokens[at + 2]).startswith(MARK):
            mark_line = mark_line or _line(token, 0)
            at = _closing(tokens, at) + 1
            continue
        kept.append(token)
        at += 1
    return kept, mark_line


def _closing(tokens: list[Token], opening: int) -> int:
    level = tokens[opening].level
    kind = tokens[opening].type.replace("_open", "_close")
    return next(
        at for at in range(opening, len(tokens)) if tokens[at].type == kind and tokens[at].level == level
    )


def _texts(tokens: list[Token], line: int) -> Iterator[Text]:
    for token in tokens:
        line = _line(token, line)
        if token.type == "inline":
            yield Text(line, _plain(token), _link(token))
        elif token.type in ("fence", "code_block", "html_block"):
            yield Text(line, token.content)


def _items(tokens: list[Token], line: int) -> list[Text]:
    found = []
    for at, token in enumerate(tokens):
        if token.type == "list_item_open" and token.level == 1:
            inside = list(_texts(tokens[at : _closing(tokens, at)], _line(token, line)))
            found.append(Text(_line(token, line), "\n".join(text.text for text in inside)))
    return found


def _rows(tokens: list[Token], line: int) -> list[list[Text]]:
    found: list[list[Text]] = []
    in_body = False
    for token in tokens:
        line = _line(token, line)
        in_body = in_body if token.type not in ("tbody_open", "table_close") else token.type == "tbody_open"
        if token.type == "tr_open" and in_body:
            found.append([])
        elif token.type == "inline" and in_body:
            found[-1].append(Text(line, _plain(token).strip(), _link(token)))
    return found


def _line(token: Token, known: int) -> int:
    """From 1; a token that does not say is where the last one was that did."""
    return known if token.map is None else token.map[0] + 1


def _plain(token: Token) -> str:
    """The text as one reads it: line breaks stay, so that lines can be counted."""
    parts = []
    for child in token.children or []:
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        else:  # text and code; what only opens or closes has no content
            parts.append(child.content)
    return "".join(parts)


def _link(token: Token) -> str:
    opened = next((child for child in token.children or [] if child.type == "link_open"), None)
    return "" if opened is None else str(opened.attrGet("href") or "")
