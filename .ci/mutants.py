"""Would the tests notice? A random sample of small mistakes in engine/core, made by mutmut, each tried alone.

`make mutants` runs it. A mutant is killed if a test fails, or if the tests take several times as long as they
do without it. Printed are an estimate for all mutants, and the diff of each that no test noticed.
"""

import argparse
import random
import re
import resource
import shutil
import subprocess
import sys
from collections import Counter
from math import sqrt
from pathlib import Path

MUTMUT = Path(sys.executable).with_name("mutmut")
WORK = Path("mutants")
"""Where mutmut copies the project to; it is not told."""
MEMORY = 6 << 30
"""Bytes: a mutant that loops may collect without end."""
KILLED = ("killed", "timeout", "segfault")
SURVIVED = ("survived", "no tests")


def mutmut(*arguments: str, quiet: bool = False) -> str:
    """What it printed, with `quiet`; else it goes to the terminal."""
    done = subprocess.run(  # noqa: S603  # our own tool and files
        [str(MUTMUT), *arguments], check=True, text=True, stdout=subprocess.PIPE if quiet else None
    )
    return done.stdout or ""


def read(results: str) -> dict[str, str]:
    """Each mutant's name and what became of it, of `mutmut results`."""
    return dict(re.findall(r"^ *(engine\.\S+): (.+)$", results, re.MULTILINE))


def drawn(names: list[str], number: int, seed: int) -> list[str]:
    """Of all with equal chances, so that a module counts by its size. The larger sample holds the smaller."""
    shuffled = sorted(names)
    random.Random(seed).shuffle(shuffled)  # noqa: S311  # a sample, not a secret
    return shuffled[:number]


def interval(hits: int, number: int) -> tuple[float, float]:
    """Wilson's, 95 %: within it the share of all is."""
    z = 1.96
    share, width = hits / number, z * z / number
    middle, half = share + width / 2, z * sqrt(share * (1 - share) / number + width / number / 4)
    return (middle - half) / (1 + width), (middle + half) / (1 + width)


def table(fates: dict[str, str]) -> list[str]:
    """Lines of Markdown: killed and survived by module."""
    of = Counter(name.split(".")[2] for name in fates)
    killed = Counter(name.split(".")[2] for name, fate in fates.items() if fate in KILLED)
    rows = [(module, of[module], killed[module]) for module in sorted(of)]
    rows.append(("all", of.total(), killed.total()))
    return [
        "| module | mutants | killed | survived | killed, % |",
        "|---|---|---|---|---|",
        *(f"| {name} | {all_} | {hit} | {all_ - hit} | {100 * hit / all_:.0f} |" for name, all_, hit in rows),
    ]


def main() -> int:
    """The exit code: 0, or 1 where what became of a mutant is not known."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mutants", type=int, default=400, help="how many are drawn (400)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (1)")
    parser.add_argument("--jobs", type=int, default=1, help="how many are tried at once (1)")
    options = parser.parse_args()

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    shutil.rmtree(WORK, ignore_errors=True)
    jobs = ("run", "--max-children", str(options.jobs))
    mutmut(*jobs, "engine.core.unpacking.*")  # makes all mutants, whichever few it is asked for
    everyone = read(mutmut("results", "--all", "true", quiet=True))
    sample = drawn(list(everyone), options.mutants, options.seed)
    mutmut(*jobs, *sample)

    fates = read(mutmut("results", "--all", "true", quiet=True))
    known = {name: fates[name] for name in sorted(sample) if fates[name] in KILLED + SURVIVED}
    for name, fate in known.items():
        if fate in SURVIVED:
            print(mutmut("show", name, quiet=True))
    print("\n".join(table(known)))
    killed = sum(fate in KILLED for fate in known.values())
    low, high = interval(killed, len(known))
    print(
        f"\n{killed} of {len(known)} killed ({sum(fate == 'timeout' for fate in known.values())} by time), "
        f"seed {options.seed}; so of all {len(everyone)}, with 95 % confidence: {low:.1%} to {high:.1%}"
    )
    unknown = {name: fates[name] for name in sample if name not in known}
    for name, fate in unknown.items():
        print(f"not known: {name}: {fate}")
    return int(bool(unknown))


if __name__ == "__main__":
    sys.exit(main())
