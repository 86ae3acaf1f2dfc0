"""The pages of the documentation, and the commands that they show.

A command stands in a block of the kind `console`, after `$ `; a line that ends with a backslash goes on in
the next. The lines below it, up to the next `$ `, are what it prints. A block with a title, such as
`yaml title="notify.yaml"`, is that file; it is there from the page's beginning.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
KINDS = {"case", "console", "json", "promql", "properties", "python", "sql", "text", "yaml"}
"""What a block may be; one without a kind, by four blanks or by a bare fence, is none of them."""

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_INFO = re.compile(r"""(?P<kind>\w*)(?: title="(?P<title>[^"]+)")?""")


@dataclass(frozen=True)
class Place:
    page: str
    """Its path from the repository's root."""
    line: int

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Block(Place):
    """`line`: of its first line, the fence not counted."""

    kind: str
    title: str
    text: str


@dataclass(frozen=True)
class Command(Place):
    text: str
    """What a shell is given: without the prompt; continued lines are in it."""
    shown: tuple[str, ...]
    """The lines that the page says it prints."""


@dataclass(frozen=True)
class Inline(Place):
    """A command in the running text, between backquotes: often a part of one, such as `vigil pir DESK`."""

    text: str


def pages(root: Path = ROOT) -> list[Path]:
    """README and docs. Decisions are history, examples are what commands wrote."""
    apart = ("decisions", "examples")
    docs = (path for path in root.glob("docs/**/*.md") if not set(apart) & set(path.parts))
    return [root / "README.md", *sorted(docs)]


def blocks(path: Path, root: Path = ROOT) -> Iterator[Block]:
    for token in _MARKDOWN.parse(path.read_text("utf-8")):
        if token.type in ("fence", "code_block"):
            assert token.map is not None
            fenced = token.type == "fence"
            info = _INFO.fullmatch(token.info.strip()) if fenced else _INFO.fullmatch("")
            kind, title = (info["kind"], info["title"] or "") if info else (token.info, "")
            page = path.relative_to(root).as_posix()
            yield Block(page, token.map[0] + 1 + fenced, kind, title, token.content)


def commands(block: Block) -> Iterator[Command]:
    """Those of a block of the kind `console`, in order."""
    lines = block.text.splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        last = start
        while lines[last].endswith("\\"):
            last += 1
        text = "\n".join([lines[start].removeprefix("$ "), *lines[start + 1 : last + 1]])
        yield Command(block.page, block.line + start, text, tuple(lines[last + 1 : end]))


def commands_of(path: Path, root: Path = ROOT) -> list[Command]:
    """All that a page shows, in its order."""
    return [one for block in blocks(path, root) if block.kind == "console" for one in commands(block)]


def inline(path: Path, root: Path = ROOT) -> Iterator[Inline]:
    """What the running text and the tables of a page have between backquotes."""
    page = path.relative_to(root).as_posix()
    for token in _MARKDOWN.parse(path.read_text("utf-8")):
        if token.type == "inline" and token.map is not None:
            for child in token.children or ():
                if child.type == "code_inline":
                    yield Inline(page, token.map[0] + 1, child.content)
