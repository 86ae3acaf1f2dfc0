"""What stands: outcomes less what was retracted, with amendments applied (Saying 2)."""

from collections import defaultdict
from collections.abc import Iterable

from msgspec.structs import replace

from engine.core.instants import Instant
from engine.core.outcomes import Outcome


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
    CorrectionOfNothing where a correction refers to what is not there.
    """
    said: defaultdict[str, dict[tuple[int, str], Outcome]] = defaultdict(dict)
    for outcome in outcomes:
        # What was retracted may be said again: an equal id, but a later seq.
        said[outcome.subject][outcome.seq, outcome.id] = outcome
    result = {
        _normal(outcome)
        for of_subject in said.values()
        for outcome in _apply(sorted(of_subject.values(), key=lambda o: o.seq))
    }
    return sorted(result, key=_place)


def _place(o: Outcome) -> tuple[object, ...]:
    """Behind the id what two that were said at one instant under it may differ in."""
    context = o.severity, o.customer_id, o.customer_tier, o.service, o.team, o.owner, o.policy.hash
    return o.effective_at, o.subject, o.id, o.outcome, o.reason, o.elapsed, *context, o.hash


def _apply(in_order: list[Outcome]) -> Iterable[Outcome]:
    stands: dict[str, Outcome] = {}
    for outcome in in_order:
        if outcome.corrects and stands.pop(outcome.corrects, None) is None:
            raise CorrectionOfNothing(outcome)
        if outcome.name != "retracted":
            stands[outcome.id] = outcome
    return stands.values()


def _normal(o: Outcome) -> Outcome:
    name = o.outcome if o.name == "amended" else o.name
    return replace(
        o, name=name, id=o.id_as(name), seq=0, detected_at=Instant(0), caused_by="", corrects="", outcome="",
        provisional=False, fingerprint="",
    )  # fmt: skip
