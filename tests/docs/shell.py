"""Which programs a line of shell calls, with which arguments."""

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

_ENDS = {"|", "||", "&", "&&", ";"}
_KEYWORDS = {"do", "then", "else"}
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=")
_SUBSTITUTED = re.compile(r"\$\((?P<call>[^()]*)\)")


class Call(NamedTuple):
    program: str
    arguments: tuple[str, ...]


def calls(line: str) -> Iterator[Call]:
    """In their order; what `$(…)` calls comes first. ValueError where quotes do not close."""
    for found in _SUBSTITUTED.finditer(line):
        yield from calls(found["call"])
    words: list[str] = []
    for word in [*_words(_SUBSTITUTED.sub("substituted", line)), ";"]:
        if word not in _ENDS:
            words.append(word)
            continue
        yield from _call(words)
        words = []


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line.replace("\\\n", " "), posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    return list(lexer)


def _call(words: list[str]) -> Iterator[Call]:
    while words and (words[0] in _KEYWORDS or _ASSIGNMENT.match(words[0])):
        words = words[1:]
    redirected = next((at for at, word in enumerate(words) if word in ("<", ">", ">>")), len(words))
    if words[:redirected]:
        yield Call(words[0], tuple(words[1:redirected]))
