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
    source = lines_of(markdown)
    end = len(source)
    starts = [at for at, token in enumerate(tokens) if _is_section(token)]
    bounds = [0, *starts, len(tokens)]
    sections = []
    for first, last in pairwise(bounds):
        following = tokens[last].map if last < len(tokens) else None
        until = end + 1 if following is None else following[0] + 1
        sections.append(_section(tokens[first:last], source, until))
    references = {label: unquote(one["href"][1:]) for label, one in env.get("references", {}).items()}
    return Outline(sections, references)


def lines_of(markdown: str) -> list[str]:
    """As Markdown counts them: a form feed or a Unicode line separator ends none."""
    return markdown.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def note(label: str, value: str) -> str:
    """The line of Markdown that `Outline.note` reads."""
    return f"[{label}]: #{quote(value, safe='')}"


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _is_section(token: Token) -> bool:
    return token.type == "heading_open" and token.markup == "##" and token.level == 0


def _section(tokens: list[Token], source: list[str], end: int) -> Section:
    name, line, body = "", 1, tokens
    if tokens and _is_section(tokens[0]):
        name, line, body = _plain(tokens[1]), _line(tokens[0], 1), tokens[3:]
    marks = _marks(body)
    content = [token for at, token in enumerate(body) if not any(at in mark for mark in marks)]
    below = [text for mark in marks for text in _right_below(body[mark.start], source)]
    texts = sorted([*below, *_texts(content, line)], key=lambda text: text.line)
    mark_line = _line(body[marks[0].start], 0) if marks else 0
    return Section(name, line, end, texts, _items(content, line), _rows(content, line), mark_line)


def _marks(tokens: list[Token]) -> list[range]:
    """Where the marks are among the tokens."""
    found: list[range] = []
    for at, token in enumerate(tokens):
        if token.type == "blockquote_open" and not (found and at in found[-1]):
            quote = range(at, _closing(tokens, at) + 1)
            first = next((tokens[one] for one in quote if tokens[one].type == "inline"), None)
            if first is not None and _plain(first).startswith(MARK):
                found.append(quote)
    return found


def _right_below(mark: Token, source: list[str]) -> Iterator[Text]:
    """Lines below a mark with no empty one between: Markdown takes them into it; to the person, an answer."""
    start, end = mark.map or (0, 0)
    for number in range(start, end):
        line = source[number].strip()
        if line and not line.startswith(">"):
            yield Text(number + 1, line)


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
