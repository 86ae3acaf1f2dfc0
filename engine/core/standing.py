"""What stands: outcomes less what was retracted, with amendments applied (Saying 2)."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Protocol, TypeVar

from msgspec.structs import replace

from engine.core.instants import Instant
from engine.core.outcomes import Outcome


class Said(Protocol):
    """What tells which outcomes stand: an outcome has it, and so has whatever keeps its rows."""

    @property
    def seq(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def corrects(self) -> str: ...


_S = TypeVar("_S", bound=Said)


class CorrectionOfNothing(ValueError):
    """A correction refers to an outcome that was never said, or no more stands."""

    def __init__(self, correction: Outcome) -> None:
        super().__init__(
            f"{correction.name} {correction.id} of {correction.subject} corrects {correction.corrects}, "
            "which does not stand: outcomes are missing"
        )


def standing(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The standing outcomes, normalised for comparison, in (effective time, subject, id) order.

    What depends on when and in what order the engine learned of things is cleared: detected_at, seq,
    caused_by, provisional, fingerprint and the fields of a correction. An outcome read twice (equal id and
    seq) counts once, and so does one that says word for word the same (a pause of no length, twice at one
    instant).
    CorrectionOfNothing where a correction refers to what is not there, unless all was said anew.
    """
    said: defaultdict[str, dict[tuple[int, str], Outcome]] = defaultdict(dict)
    for outcome in outcomes:
        # What was retracted may be said again: an equal id, but a later seq.
        of_subject, key = said[outcome.subject], (outcome.seq, outcome.id)
        if key not in of_subject or outcome.detected_at < of_subject[key].detected_at:
            of_subject[key] = outcome
    result: set[Outcome] = set()
    for told in said.values():
        stand, of_nothing = what_stands(told.values())
        if of_nothing:
            raise CorrectionOfNothing(of_nothing[0])
        result.update(map(_normal, stand))
    return sorted(result, key=_place)


def what_stands(said: Collection[Outcome]) -> tuple[list[Outcome], list[Outcome]]:
    """Of one escalation, each outcome once: what is not corrected, and the corrections of what is not there,
    of which there are none where all was said anew."""
    if is_of_several_lives([one.seq for one in said]):
        return stand_of_several_lives(said), []
    return stand_of_one_life(said)


def stand_of_one_life(said: Iterable[_S]) -> tuple[list[_S], list[_S]]:
    """What is not corrected, and the corrections of what is not there. Those add what they say: an amendment
    is whole in itself, and what came before it may be lost."""
    stands: dict[str, _S] = {}
    of_nothing: list[_S] = []
    for one in sorted(said, key=lambda each: each.seq):
        if one.corrects and stands.pop(one.corrects, None) is None:
            of_nothing.append(one)
        if one.name != "retracted":
            stands[one.id] = one
    return list(stands.values()), of_nothing


def is_of_several_lives(seqs: Collection[int]) -> bool:
    """Whether outcomes of one escalation, each here once, were counted from 1 more than once: by a worker
    that had lost its state and read all events again, or by an application that took another's place."""
    return len(set(seqs)) < len(seqs)


def stand_of_several_lives(said: Iterable[Outcome]) -> list[Outcome]:
    """What stands of one escalation whose outcomes were counted anew. A correction of what is not there adds
    what it says.

    The count orders what one life said; between two it is the time of finding. What a later life says again
    counts once, and its correction is of what the earlier one said, too: under whatever id, for that of what
    was corrected before has the count in it, and a life that heard of everything at once corrects less.
    """
    first_ids: dict[str, str] = {}
    stands: defaultdict[str, dict[str, Outcome]] = defaultdict(dict)
    """By the id that it would have where it is said first: the latest is last."""
    for outcome in sorted(said, key=lambda o: (o.detected_at, o.seq)):
        same = stands[first_ids.get(outcome.corrects, "")]
        while same:  # not there: a later life said it again, word for word
            oldest = next(iter(same))
            del same[oldest]
            if oldest == outcome.corrects:
                break
        if outcome.name != "retracted":
            first_ids[outcome.id] = outcome.id_as(outcome.outcome or outcome.name)
            stands[first_ids[outcome.id]].pop(outcome.id, None)
            stands[first_ids[outcome.id]][outcome.id] = outcome
    return [next(reversed(same.values())) for same in stands.values() if same]


def _place(o: Outcome) -> tuple[object, ...]:
    """Behind the id what two that were said at one instant under it may differ in."""
    context = o.severity, o.customer_id, o.customer_tier, o.service, o.team, o.owner, o.policy.hash
    return o.effective_at, o.subject, o.id, o.outcome, o.reason, o.elapsed, *context, o.hash


def _normal(o: Outcome) -> Outcome:
    name = o.outcome if o.name == "amended" else o.name
    return replace(
        o, name=name, id=o.id_as(name), seq=0, detected_at=Instant(0), caused_by="", corrects="", outcome="",
        provisional=False, fingerprint="",
    )  # fmt: skip
