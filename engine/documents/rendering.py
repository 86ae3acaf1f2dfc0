"""Templates and plain data → Markdown or plain text, within limits of time, size and reach."""

import atexit
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import IO, Any, NamedTuple, NoReturn, Self, TypeAlias

import orjson

Plain: TypeAlias = "str | int | float | bool | Sequence[Plain] | Mapping[str, Plain] | None"
"""What a template gets: it crosses to another process as JSON, so there is nothing else to reach."""

SHIPPED = Path(__file__).with_name("templates")
_PRESS = Path(__file__).with_name("press.py")
_START_SECONDS = 30.0
"""Until the process says that it is there."""
_GRACE = 1.0
"""Seconds beyond the limit after which the process is ended that did not stop by itself."""


class Limits(NamedTuple):
    """What one document may cost."""

    seconds: float = 5.0
    size: int = 2_000_000
    """Bytes of its text."""


IN_FULL = Limits(120.0, 100_000_000)
"""For a document that is asked for with every row of a long life; its memory is bounded as that of any."""


class TemplateError(Exception):
    """A template that cannot be filled in: the message begins with its file and line."""

    def __init__(self, template: str, line: int, problem: str) -> None:
        super().__init__(f"{template}:{line}: {problem}" if line else f"{template}: {problem}")
        self.template = template
        self.line = line


class TemplateTooSlow(TemplateError):
    """It was not done within the seconds allowed, and was stopped."""


class TemplateTooLarge(TemplateError):
    """It wrote, or needed in memory, more than is allowed, and was stopped."""


class TemplateRefused(TemplateError):
    """It reached for something that is not in its data; the message says for what."""


class Rendered(NamedTuple):
    """A document, and the names that its template asked for and the data does not have."""

    text: str
    undefined: tuple[str, ...]


class Sandboxed:
    """The process that fills in, started when it is needed.

    Safe to share between threads, which take turns. Close it, or use it as a context manager.
    """

    def __init__(self, folders: Sequence[Path], limits: Limits) -> None:
        self.folders, self.limits = folders, limits
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process; another document starts a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
            atexit.unregister(self.close)

    def _filled_in(self, template: str, data: Mapping[str, Plain], **more: Any) -> Rendered:
        job = {"template": template, "data": data, "seconds": self.limits.seconds, "size": self.limits.size}
        encoded = orjson.dumps(job | more)
        with self._turn:
            answer = self._answer(template, encoded)
        if "kind" in answer:
            raise self._error(answer)
        return Rendered(answer["text"], tuple(answer["undefined"]))

    def _answer(self, template: str, job: bytes) -> Any:
        answer: Any = None
        try:
            answer = orjson.loads(self._ask(job))
        except TimeoutError:
            answer = {"kind": "slow", "error": "", "template": template, "line": 0}
        except (EOFError, BrokenPipeError):
            ended = "its process ended: out of memory, or nested too deeply"
            answer = {"kind": "large", "error": ended, "template": template, "line": 0}
        finally:
            if answer is None or answer.get("kind") in ("slow", "large"):
                self.close()  # interrupted, or of doubtful health
        return answer

    def _ask(self, job: bytes) -> bytes:
        """One message to the process, one back."""
        asked, answers = self._pipes()
        asked.write(b"%d\n%b" % (len(job), job))
        asked.flush()
        return self._read(answers, self.limits.seconds + _GRACE)

    def _read(self, answers: IO[bytes], seconds: float) -> bytes:
        """A message: its length, a line end, JSON. TimeoutError, EOFError."""
        deadline, received = time.monotonic() + seconds, b""
        while True:
            length, line_end, body = received.partition(b"\n")
            if line_end and len(body) == int(length):
                return body
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([answers], [], [], left)[0]:
                raise TimeoutError
            piece = os.read(answers.fileno(), 1 << 20)
            if not piece:
                raise EOFError
            received += piece

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """To and from the process, started if there is none: without our environment, modules or folder."""
        if self._process is None:
            command = [sys.executable, "-I", str(_PRESS), *map(str, self.folders)]
            self._process = subprocess.Popen(  # noqa: S603  # ours; isolated, so that no folder's modules count
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                cwd="/",
                env={},
                process_group=0,  # Ctrl-C is for us; we end it
            )
            atexit.register(self.close)
            assert self._process.stdout is not None  # noqa: S101  # pipes were asked for
            self._read(self._process.stdout, _START_SECONDS)  # how long that takes is no template's fault
        assert self._process.stdin is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        return self._process.stdin, self._process.stdout

    def _error(self, answer: Any) -> TemplateError:
        template, line, said = answer["template"], answer["line"], answer["error"]
        match answer["kind"]:
            case "slow":
                return TemplateTooSlow(template, line, f"not done within {self.limits.seconds:g} s, stopped")
            case "large" if said == "output":
                return TemplateTooLarge(template, line, f"more than {self.limits.size:,} bytes, stopped")
            case "large":
                return TemplateTooLarge(template, line, f"{said}, stopped")
            case "refused":
                return TemplateRefused(template, line, f"reaches for {said}, which is not in its data")
        return TemplateError(template, line, said)


def must_be_templates(own: Path) -> None:
    """TemplateError where there is no such folder, or where it or one in it may not be read: what is in there
    would be passed over for what ships."""
    if not own.is_dir():
        raise TemplateError(str(own), 0, "expected a folder of templates; found none there")

    def refuse(folder: str) -> NoReturn:
        raise TemplateError(folder, 0, "expected a folder of templates that we may read; found no right to")

    for folder, _, _ in os.walk(own, onerror=lambda error: refuse(error.filename)):
        if not os.access(folder, os.X_OK, effective_ids=True):
            refuse(folder)


class Press(Sandboxed):
    """Fills in the templates of documents, of `own` first, then those shipped. TemplateError: `own` is no
    folder, or may not be read."""

    def __init__(self, own: Path | None = None, limits: Limits = Limits()) -> None:  # noqa: B008  # immutable
        if own is not None:
            must_be_templates(own)
        super().__init__([folder.resolve() for folder in (own, SHIPPED) if folder is not None], limits)

    def render(self, template: str, data: Mapping[str, Plain]) -> Rendered:
        """The document of a template, by its name within the folders, such as `triage.md`.

        TemplateError says which template and line; TypeError for data that is not plain.
        """
        return self._filled_in(template, data)

    def all(self) -> list[tuple[str, bool, Path]]:
        """Every template by name, whether it is an own one, and its file."""
        found: dict[str, tuple[str, bool, Path]] = {}
        for folder in self.folders:
            for file in folder.rglob("*.md"):
                name = file.relative_to(folder).as_posix()
                found.setdefault(name, (name, folder != SHIPPED, file))
        return [found[name] for name in sorted(found)]


class TextPress(Sandboxed):
    """Fills in texts that somebody hands over, as plain text: what is not known is left out."""

    def __init__(self, limits: Limits) -> None:
        super().__init__([], limits)

    def render(self, name: str, text: str, data: Mapping[str, Plain]) -> str:
        """TemplateError says under this name which line; TypeError for data that is not plain."""
        return self._filled_in(name, data, text=text).text

    def check(self, name: str, text: str, data: Mapping[str, Plain]) -> str:
        """The same, and TemplateError for a name that is not in the data."""
        return self._filled_in(name, data, text=text, known=list(data)).text
