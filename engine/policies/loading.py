"""A folder of policy files → a book, or everything that is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from engine.core.policy import Book, Calendar, Policy
from engine.policies.almanac import HOLIDAYS, TZDATA
from engine.policies.calendars import calendars
from engine.policies.checking import Checked, check
from engine.policies.compiling import policy, severity_rules
from engine.policies.documents import Document, read
from engine.policies.format import PolicyPart
from engine.policies.problems import PolicyErrors, Problem


def load(folder: Path) -> Book:
    """The book of a folder of YAML files (or of one file).

    Policies are tried in the order of the files' names, then of the documents. PolicyErrors lists every
    problem of the folder.
    """
    return load_files([folder])


def load_files(places: Sequence[Path]) -> Book:
    """The one book of several files or folders, in this order. PolicyErrors lists every problem."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for place in places:
        read_here, unreadable = read(place)
        documents += read_here
        problems += unreadable
    if not documents and not problems:
        problems = [Problem(places[0], 0, "", "at least one policy document", "empty files")]
    return load_documents(documents, problems)


def load_documents(documents: Iterable[Document], unreadable: Iterable[Problem] = ()) -> Book:
    """The book of documents that are read already. PolicyErrors lists every problem."""
    problems = list(unreadable)
    checked: list[Checked] = []
    named: set[str] = set()
    for document in documents:
        good, wrong = check(document)
        problems += wrong
        if good is not None:
            checked.append(good)
        if (name := document.tree.get("calendar")) is not None:
            named.add(str(name))
    by_name, wrong = calendars(checked)
    problems += wrong
    rules, wrong = severity_rules(checked)
    problems += wrong
    policies, withdrawn, wrong = _policies(checked, by_name, frozenset(named - set(by_name)))
    problems += wrong
    if problems:
        raise PolicyErrors(problems)
    return Book(policies, by_name, rules, TZDATA, HOLIDAYS, withdrawn)


def _policies(
    checked: Iterable[Checked], by_name: Mapping[str, Calendar], unusable: frozenset[str]
) -> tuple[tuple[Policy, ...], tuple[Policy, ...], list[Problem]]:
    """Those in force, those that are withdrawn, and what is wrong."""
    made: list[tuple[Document, Policy]] = []
    withdrawn: list[Policy] = []
    problems: list[Problem] = []
    for item in checked:
        if (part := item.of(PolicyPart)) is not None:
            compiled, targets = policy(item.document, part, by_name, unusable)
            problems += targets.problems
            if item.whole:
                problems += targets.contradictions
                if part.withdrawn:
                    withdrawn.append(compiled)
                else:
                    made.append((item.document, compiled))
    in_force = tuple(compiled for _, compiled in made)
    return in_force, tuple(withdrawn), [*problems, *_twice(made), *_never_tried(made)]


def _twice(made: Sequence[tuple[Document, Policy]]) -> Iterable[Problem]:
    first: dict[tuple[str, int], Document] = {}
    for document, compiled in made:
        other = first.setdefault((compiled.name, compiled.effective_from), document)
        if other is not document:
            yield document.problem(
                ("effective_from",),
                f"another time than the {compiled.name} of {other.file}:{other.lines[()]}",
                compiled.version,
            )


def _never_tried(made: Sequence[tuple[Document, Policy]]) -> Iterable[Problem]:
    """A name stands in the place of its first document; after one that takes everything, none is tried."""
    names: dict[str, list[tuple[Document, Policy]]] = {}
    for document, compiled in made:
        names.setdefault(compiled.name, []).append((document, compiled))
    taken: tuple[int, str] | None = None
    for name, versions in names.items():
        begins = min(compiled.effective_from for _, compiled in versions)
        if taken is not None and taken[0] <= begins:
            yield versions[0][0].problem(
                ("policy",),
                f"a place before {taken[1]}, which takes everything (files are read by name)",
                f"{name}, which is never tried",
            )
        elif all(not compiled.match and compiled.when is None for _, compiled in versions):
            taken = taken or (begins, name)
