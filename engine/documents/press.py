"""A process of its own that fills templates in: what a template does there, it can do to nobody else.

Started by `engine.documents.rendering` as a script, with an empty environment; it imports nothing of ours.
Jinja's sandbox keeps templates from reaching for attributes. It does not bound what one expression costs
(`'x' * 10**10`, `|center(10**9)`, nested loops without output), so time is bounded by an alarm, memory by the
kernel, and whatever neither stops by the parent, which ends this process.
"""

import json
import re
import resource
import signal
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import FrameType
from typing import Any, BinaryIO, NoReturn

from jinja2 import (
    ChainableUndefined,
    FileSystemLoader,
    FunctionLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
    meta,
    nodes,
    pass_context,
)
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

MEMORY = 400_000_000
"""Bytes of address space beyond which this process gets no more."""

MISSING = "_not known yet_"


class TooSlow(BaseException):
    """The alarm rang. No Exception, so that no filter takes it for one of its own."""


class TooLarge(Exception):
    """More output than was allowed."""


# -- what a template may reach ------------------------------------------------------------------------

_METHODS = {
    dict: {"get", "items", "keys", "values"},
    list: {"count", "index"},
    str: {
        *("capitalize", "count", "endswith", "find", "join", "lower", "lstrip", "replace", "rstrip", "split"),
        *("splitlines", "startswith", "strip", "title", "upper"),
    },
}


class Sandbox(ImmutableSandboxedEnvironment):
    """Plain data, a few of its methods, and Jinja's own tools; whatever else is reached for is refused."""

    def __init__(self, folders: list[str], **other: Any) -> None:
        how = {"loader": FileSystemLoader(folders), "undefined": StrictUndefined, "autoescape": True}
        super().__init__(
            **{**how, "finalize": _finalize, **other},
            optimized=False,  # what an expression costs is paid when it runs, where it is bounded
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self.undefined_names: list[str] = []
        self.folders = folders
        self.size = 0
        del self.globals["lipsum"], self.filters["random"]  # the same data gives the same document

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`x.items` is the data's `items`, where it has one."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        for kind, allowed in _METHODS.items():
            if isinstance(obj, kind) and hasattr(kind, attribute) and attribute not in allowed:
                self.unsafe_undefined(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str) and not isinstance(obj, Mapping):
            return self.getattr(obj, argument)
        if isinstance(obj, Mapping) and isinstance(argument, str) and argument not in obj:
            return self.getattr(obj, argument)
        return super().getitem(obj, argument)

    def prepare(self, job: dict[str, Any]) -> None:
        """For one job."""
        self.undefined_names, self.size = [], job["size"]

    def note(self, undefined: StrictUndefined) -> None:
        """A name that the data does not have was printed, as missing."""
        name = str(undefined._undefined_name)
        if name not in self.undefined_names:
            self.undefined_names.append(name)

    def unsafe_undefined(self, obj: Any, attribute: str) -> NoReturn:
        """Refused when it is reached for, not when it is used."""
        raise SecurityError(f"{type(obj).__name__}.{attribute}")


class TextSandbox(Sandbox):
    """For a text that comes with its job and is filled in as plain text; what is not known is left out."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        loader = FunctionLoader(self._load)
        super().__init__(
            [_TEXTS], loader=loader, undefined=ChainableUndefined, autoescape=False, finalize=_plain
        )

    def prepare(self, job: dict[str, Any]) -> None:
        """TemplateError where the text uses a name that is none of `known`."""
        super().prepare(job)
        name, text = job["template"], job["text"]
        self._texts[name] = text
        if "known" not in job:
            return
        self.get_template(name)  # what else is wrong with it is told better by this
        tree = self.parse(text, name, f"{_TEXTS}/{name}")
        unknown = meta.find_undeclared_variables(tree) - set(job["known"])
        for node in tree.find_all(nodes.Name):
            if node.name in unknown:
                names = ", ".join(job["known"])
                raise TemplateSyntaxError(f"{node.name!r} is none of {names}", node.lineno, name)

    def _load(self, name: str) -> tuple[str, str, Callable[[], bool]] | None:
        text = self._texts.get(name)
        return None if text is None else (text, f"{_TEXTS}/{name}", lambda: self._texts.get(name) == text)


_TEXTS = "/texts"
"""In place of a folder."""


@pass_context
def _plain(context: Context, value: Any) -> str:
    """What an expression prints where no Markdown is made."""
    sandbox = context.environment
    assert isinstance(sandbox, Sandbox)  # noqa: S101  # made by it
    if value is None or isinstance(value, Undefined):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if len(text) > sandbox.size:
        raise TooLarge
    return "".join(c for c in text if _is_printable(c))


@pass_context  # and so not tried on constants when a template is compiled
def _finalize(context: Context, value: Any) -> Any:
    """What an expression prints: user text as text, whatever is in it; what is not known says so."""
    if hasattr(value, "__html__"):
        return value
    sandbox = context.environment
    assert isinstance(sandbox, Sandbox)  # noqa: S101  # made by it
    if isinstance(value, StrictUndefined):
        sandbox.note(value)
        value = None
    if value is None:
        return Markup(MISSING)  # noqa: S704  # ours
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if len(text) > sandbox.size:
        raise TooLarge
    return Markup(as_text(text))  # noqa: S704  # escaped for Markdown; HTML is made without raw HTML


# -- user text in Markdown --------------------------------------------------------------------------------

_SPECIAL = re.compile(
    r"[\\`*\[\]<>|]"  # emphasis, code, links, tags, quotes, cells
    r"|(?<![^\W_])_|_(?![^\W_])"  # _ at the edge of a word; inside of one it is none of Markdown's
    r"|~(?=~)|(?<=~)~"
    r"|&(?=#?\w+;)"
    r"|^[#+=-]"  # headings, lists, rules: at the beginning of a line, where we may be
    r"|#(?=#*$)"  # at the end of a heading it would close it
)
_NUMBERED = re.compile(r"^(\d+)([.)])")


def as_text(text: str) -> str:
    """The text on one line of Markdown, so that it means itself and nothing else."""
    line = " ".join("".join(c for c in text if _is_printable(c)).split())
    return _NUMBERED.sub(r"\1\\\2", _SPECIAL.sub(lambda found: f"\\{found[0]}", line))


def _is_printable(char: str) -> bool:
    """Not what only moves or hides others: controls (blanks stay), and marks that turn the direction."""
    return char.isspace() or (unicodedata.category(char) not in {"Cc", "Cs"} and char not in _TURNING)


_TURNING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))


# -- one job --------------------------------------------------------------------------------------------


def fill_in(sandbox: Sandbox, job: dict[str, Any]) -> dict[str, Any]:
    """`text` and the `undefined` names, or an `error` with its `kind`, `template` and `line`."""
    signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, job["seconds"])
    try:
        sandbox.prepare(job)
        pieces = sandbox.get_template(job["template"]).generate(job["data"])
        return {"text": "".join(_at_most(job["size"], pieces)), "undefined": sandbox.undefined_names}
    except BaseException as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        return _told(error, job["template"], sandbox.folders)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _ring(signum: int, frame: FrameType | None) -> None:
    raise TooSlow


def _at_most(size: int, pieces: Iterator[str]) -> Iterator[str]:
    for piece in pieces:
        size -= len(piece.encode())
        if size < 0:
            raise TooLarge
        yield piece


def _told(error: BaseException, template: str, folders: list[str]) -> dict[str, Any]:
    name, line = _place(error, template, folders)
    if isinstance(error, TooSlow):
        kind, text = "slow", ""
    elif isinstance(error, TooLarge | MemoryError):
        kind, text = "large", "memory" if isinstance(error, MemoryError) else "output"
    elif isinstance(error, SecurityError):
        kind, text = "refused", str(error)
    elif isinstance(error, OverflowError) and "range" in str(error).lower():
        kind, text = "large", str(error)
    elif isinstance(error, TemplateNotFound):
        kind, text = "error", f"there is no template {error.name}"
    elif isinstance(error, TemplateSyntaxError):
        kind, text = "error", error.message or ""  # str() tells the place once more, in a second line
    elif isinstance(error, TemplateError | RecursionError):
        kind, text = "error", str(error)
    else:
        kind, text = "error", f"{type(error).__name__}: {error}"
    return {"error": text, "kind": kind, "template": name, "line": line}


def _place(error: BaseException, template: str, folders: list[str]) -> tuple[str, int]:
    """The template and the line where it happened; line 0 where that is not known."""
    if isinstance(error, TemplateSyntaxError):
        return error.name or template, error.lineno
    found, trace = (template, 0), error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        for folder in folders:
            if file.startswith(f"{folder}/"):
                made_from = trace.tb_frame.f_globals.get(
                    "__jinja_template__"
                )  # gone where Jinja told the line
                line = made_from.get_corresponding_lineno(trace.tb_lineno) if made_from else trace.tb_lineno
                found = (file.removeprefix(f"{folder}/"), line)
        trace = trace.tb_next
    return found


def _read(source: BinaryIO) -> Any:
    """The next message; None where the other side has gone."""
    head = source.readline()
    return json.loads(source.read(int(head))) if head else None


def _write(target: BinaryIO, message: dict[str, Any]) -> None:
    encoded = json.dumps(message).encode()
    target.write(b"%d\n%b" % (len(encoded), encoded))
    target.flush()


def main() -> None:
    """One job after another from stdin, an answer each on stdout: its length, a line end, JSON. Arguments are
    folders of templates; without any, each job has its text."""
    with suppress(ValueError):  # macOS takes no such bound; else a lower one holds already
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sandbox = Sandbox(sys.argv[1:]) if sys.argv[1:] else TextSandbox()
    _write(sys.stdout.buffer, {"ready": True})
    while (job := _read(sys.stdin.buffer)) is not None:
        _write(sys.stdout.buffer, fill_in(sandbox, job))


if __name__ == "__main__":
    main()
