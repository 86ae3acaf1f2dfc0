"""Fuzzes parsers with atheris: `python tests/fuzz/fuzz.py [TARGET ...] --seconds N`, of all if none is named.

Ends with 0 where nothing but a parser's named errors left it. Else with 1: the input is printed in base64 and
kept in a file, and `--replay` gives either of them to the parser alone.
"""

import argparse
import base64
import hashlib
import os
import re
import shutil
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

import atheris

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS), str(TESTS.parent)]

with nullcontext() if "--replay" in sys.argv else atheris.instrument_imports(include=["engine", "planted"]):
    import planted
    from targets import TARGETS, Target

PLANTED = Target(planted.parse, (ValueError,), lambda: iter([b"clock:1:2"]))
KNOWN = {**TARGETS, "planted": PLANTED}
_SLOWEST = 20
"""Seconds for one input; what takes longer is a finding."""
_MOST_MEMORY = 2_048
"""MB."""
_LONGER = 1_024
"""Bytes by which an input may be longer than the longest example."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"one of {', '.join(KNOWN)}")
    parser.add_argument("--seconds", type=int, default=60, help="in all; each target has its share")
    parser.add_argument("--seed", type=int, default=0, help="of libFuzzer's chance; 0: another each time")
    parser.add_argument(
        "--keep", type=Path, default=TESTS.parent / ".cache" / "fuzz", help="of what is found"
    )
    parser.add_argument("--replay", metavar="FILE|BASE64", help="give this to the one target alone, and end")
    given = parser.parse_args()
    chosen = given.targets or list(TARGETS)
    if unknown := set(chosen) - set(KNOWN):
        parser.error(f"no target is {', '.join(sorted(unknown))}; there are {', '.join(KNOWN)}")
    if given.replay is not None:
        run(KNOWN[chosen[0]], _input(given.replay))
        print("taken, or refused by name")
        return 0
    share = max(1, given.seconds // len(chosen))
    options = [f"-max_total_time={share}", f"-seed={given.seed}"]
    good = [_is_good(name, given.keep, options) for name in chosen]  # all of them, whatever the first finds
    return int(not all(good))


def _input(text: str) -> bytes:
    try:
        return Path(text).read_bytes()
    except OSError:  # no such file, or a name too long for one
        return base64.b64decode(text, validate=True)


@atheris.instrument_func  # whether it was taken or refused is a branch: most validation is done in C, unseen
def run(target: Target, data: bytes) -> None:
    """Whatever is none of its named errors leaves it."""
    try:
        target.parse(data)
    except target.allowed:
        return


def _is_good(name: str, keep: Path, options: list[str]) -> bool:
    """Whether nothing was found; what was, is kept. In a process of its own: libFuzzer does not return, and
    what it finds may be a parser that hangs, or one that takes the process with it."""
    print(f"== {name}", file=sys.stderr, flush=True)
    folder = Path(tempfile.mkdtemp(prefix="vigil-fuzz-"))  # a TemporaryDirectory would end with the child
    found = folder / "found"
    if (child := os.fork()) == 0:
        _fuzz(KNOWN[name], folder, [f"-exact_artifact_path={found}", *options])
    _, status = os.waitpid(child, 0)
    if found.exists():
        _keep(name, keep, found.read_bytes())
    shutil.rmtree(folder)
    if status:
        print(f"{name} ended with {os.waitstatus_to_exitcode(status)}", file=sys.stderr)
    return status == 0


def _keep(name: str, place: Path, data: bytes) -> None:
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{name}-{hashlib.sha256(data).hexdigest()[:16]}"
    file.write_bytes(data)
    print(f"FOUND in {name}, {len(data)} bytes: {base64.b64encode(data).decode()}", file=sys.stderr)
    print(f"alone: python tests/fuzz/fuzz.py {name} --replay {file}", file=sys.stderr)


def _fuzz(target: Target, folder: Path, options: list[str]) -> None:
    """Ends the process, as libFuzzer does: with 0 after the time, else at the first finding."""
    corpus, seeds = folder / "corpus", list(target.seeds())
    corpus.mkdir()
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"{word}"\n' for word in _words(seeds)))
    longest = _LONGER + max(map(len, seeds))
    limits = [
        f"-timeout={_SLOWEST}",
        f"-rss_limit_mb={_MOST_MEMORY}",
        f"-max_len={longest}",
        f"-dict={words}",
    ]
    # Else the examples shrink to the shortest input that goes the same way in Python, and none is valid.
    others = ["-keep_seed=1", "-verbosity=0", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, *limits, *others, str(corpus)], lambda data: run(target, data))
    atheris.Fuzz()


def _words(seeds: list[bytes]) -> list[str]:
    """The words of the examples: a mutation that puts one in another's place says more than one that
    changes a bit."""
    found = {word for seed in seeds for word in re.findall(rb"[\w.-]{2,24}", seed)}
    return sorted(word.decode("ascii") for word in found if word.isascii())[:500]


if __name__ == "__main__":
    sys.exit(main())
