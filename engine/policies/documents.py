"""Reads the YAML files of a folder: the one place of this package that touches the file system."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml
from yaml.composer import ComposerError
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from engine.policies.problems import Problem, found

At: TypeAlias = tuple[str | int, ...]
"""The keys and list places that lead to a value."""

SUFFIXES = (".yaml", ".yml")
_MAX_BYTES = 4 * 1024 * 1024


class Document(NamedTuple):
    """One YAML document with the line of each of its values."""

    file: Path
    tree: dict[str, Any]
    lines: dict[At, int]

    def problem(self, at: At, expected: str, found: str) -> Problem:
        """A problem at the deepest place on the way to `at` that the document has."""
        place = at
        while place not in self.lines:
            place = place[:-1]
        return Problem(self.file, self.lines[place], dotted(at), expected, found)


def dotted(at: At) -> str:
    """`clocks.resolve.escalate[0].at`."""
    text = ""
    for step in at:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read(
    place: Path, expected: str = "a folder of policies, or one file"
) -> tuple[list[Document], list[Problem]]:
    """The documents of a file, or of a folder's YAML files by name, and what is unreadable."""
    files, problems = _files(place, expected)
    documents: list[Document] = []
    for file in files:
        try:
            if file.stat().st_size > _MAX_BYTES:
                raise ValueError("more than 4 MB")
            text = file.read_bytes().decode("utf-8-sig")
            for node in yaml.compose_all(text, Loader=_Loader):
                if node is not None and not _is_empty(node):
                    documents += _document(file, node, problems)
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            byte = f"the byte {error.object[error.start]:#x}"
            problems.append(Problem(file, line, "", "text in UTF-8", byte))
        except (OSError, ValueError) as error:
            problems.append(Problem(file, 0, "", "a readable file", str(error)))
        except RecursionError:
            problems.append(Problem(file, 0, "", "a few levels of keys", "nesting too deep to read"))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            what = (error.problem or str(error)).removeprefix("found ")  # "found" is said of every problem
            problems.append(Problem(file, mark.line + 1 if mark else 0, "", _expected_for(what), what))
        except yaml.YAMLError as error:
            problems.append(Problem(file, 0, "", "YAML", str(error)))
    return documents, problems


def _expected_for(what: str) -> str:
    """What the parser's words leave to guess: it names the character, and not what is wrong with it."""
    if not what.endswith("cannot start any token"):
        return "YAML"
    return "spaces (YAML is indented by no tabs)" if "'\\t'" in what else "YAML, with quotes around such text"


def _files(place: Path, expected: str) -> tuple[list[Path], list[Problem]]:
    if place.is_file():
        return [place], []
    if not place.is_dir():
        return [], [Problem(place, 0, "", expected, "nothing there")]
    files: list[Path] = []
    problems: list[Problem] = []

    def closed(error: OSError) -> None:
        problems.append(
            Problem(Path(error.filename), 0, "", "a folder that we may read", error.strerror or "")
        )

    for folder, inner, names in os.walk(place, onerror=closed):
        # `..data` and the like are how Kubernetes mounts a ConfigMap; hidden names are no policies.
        inner[:] = [name for name in inner if not name.startswith(".")]
        named = (Path(folder, name) for name in names if not name.startswith("."))
        files += (file for file in named if file.suffix in SUFFIXES and _may_be_read(file))
    if not files and not problems:
        problems.append(Problem(place, 0, "", f"files named *{' or *'.join(SUFFIXES)}", "none"))
    return sorted(files), problems


def _may_be_read(file: Path) -> bool:
    """Not a pipe or a link to nothing; whether we have the right shows when it is read."""
    try:
        return file.is_file()
    except OSError:
        return True


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == _NULL


def _document(file: Path, node: Node, problems: list[Problem]) -> Iterator[Document]:
    lines: dict[At, int] = {(): node.start_mark.line + 1}
    tree = _Tree(file, lines, problems).value(node, ())
    if isinstance(tree, dict):
        yield Document(file, tree, lines)
    else:
        problems.append(Problem(file, lines[()], "", "a document of keys and values", found(tree)))


class _Tree:
    """Turns nodes into plain values, noting lines and problems on the way."""

    def __init__(self, file: Path, lines: dict[At, int], problems: list[Problem]) -> None:
        self._file, self._lines, self._problems = file, lines, problems

    def value(self, node: Node, at: At) -> Any:
        if isinstance(node, MappingNode):
            return self._mapping(node, at)
        if isinstance(node, SequenceNode):
            items = []
            for place, item in enumerate(node.value):
                self._lines[(*at, place)] = item.start_mark.line + 1
                items.append(self.value(item, (*at, place)))
            return items
        if node.tag not in _SCALARS:
            self._refuse(node, at, "a plain value", node.tag)
            return None
        if node.tag in _WRITTEN and not _WRITTEN[node.tag].fullmatch(node.value):
            self._refuse(node, at, "a plain value", f"!!{node.tag.rpartition(':')[2]} {found(node.value)}")
            return None
        return _SCALARS[node.tag](node.value)

    def _mapping(self, node: MappingNode, at: At) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, ScalarNode):
                self._refuse(key, at, "a word as the key", "a list or keys and values")
            elif (*at, key.value) in self._lines:
                first = self._lines[(*at, key.value)]
                self._refuse(key, (*at, key.value), "each key once", f"a second one (first in line {first})")
            else:
                self._lines[(*at, key.value)] = key.start_mark.line + 1
                if _is_empty(item):  # a key whose value was forgotten is not a key that was left out
                    self._refuse(key, (*at, key.value), "a value", "nothing")
                else:
                    values[key.value] = self.value(item, (*at, key.value))
        return values

    def _refuse(self, node: Node, at: At, expected: str, found: str) -> None:
        self._problems.append(Problem(self._file, node.start_mark.line + 1, dotted(at), expected, found))


_NULL = "tag:yaml.org,2002:null"
_SCALARS: dict[str, Any] = {
    "tag:yaml.org,2002:str": str,
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:bool": lambda text: text == "true",
    _NULL: lambda text: None,
}


class _Loader(yaml.SafeLoader):
    """YAML 1.2's plain values only: `NO` is Norway, 12:30 is no number and a date stays as it was written."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's name

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        if self.check_event(AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise ComposerError(None, None, "an alias (*): write it out", event.start_mark)
        return super().compose_node(parent, index)

    def compose_scalar_node(self, anchor: Any) -> ScalarNode:
        node: ScalarNode = super().compose_scalar_node(anchor)
        if _SURROGATE.search(node.value):
            problem = "half of a character (\\ud800 to \\udfff): write it out"
            raise ComposerError(None, None, problem, node.start_mark)
        return node


_SURROGATE = re.compile("[\ud800-\udfff]")
"""An escape can say what no text in UTF-8 can hold."""
_WRITTEN: dict[str, re.Pattern[str]] = {}
"""How the values of a tag are written: whoever writes the tag out can write anything behind it."""
for _tag, _pattern, _starts in (
    ("bool", r"true|false", "tf"),
    ("null", r"~|null|", ["~", "n", ""]),
    ("int", r"[-+]?[0-9]{1,18}", "-+0123456789"),
    ("float", r"[-+]?[0-9]{1,18}\.[0-9]{1,18}", "-+0123456789"),
):
    _name = f"tag:yaml.org,2002:{_tag}"
    _WRITTEN[_name] = re.compile(rf"^(?:{_pattern})$")
    _Loader.add_implicit_resolver(_name, _WRITTEN[_name], list(_starts))
