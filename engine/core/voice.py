"""The voice that collects what the rules want said while an escalation is judged."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from engine.core.attributes import text
from engine.core.facts import Value
from engine.core.instants import Instant, Span
from engine.core.outcomes import PolicyRef
from engine.core.policy import AROUND_THE_CLOCK
from engine.core.segments import Segment, Tenure
from engine.core.severity import SEVERITY, Answer, classification
from engine.core.statements import Context, Statement

NOBODYS: tuple[Tenure, ...] = ((Instant(0), "", ""),)


class Voice:
    """Collects statements in the order in which the rules make them."""

    __slots__ = ("_attributes", "_context", "_policy", "gravest", "movements", "said", "severity", "tenures")

    def __init__(
        self,
        severity: str,
        attributes: Mapping[str, Value],
        movements: bool,
        tenures: Sequence[Tenure] = NOBODYS,
        gravest: str = "",
        policy: PolicyRef | None = None,
    ) -> None:
        """`policy`: of an escalation that was rebased, the version in force."""
        self.tenures = tenures
        """In whose hands the escalation was, since when."""
        self.said: list[Statement] = []
        self.severity = severity
        self.gravest = gravest
        """The highest severity ever held: some clocks go by it."""
        self.movements = movements
        self._attributes = attributes
        self._policy = policy
        self._context: Context | None = None

    def changed(self, severity: str) -> None:
        """Attributes or severity changed: what follows speaks of the new ones."""
        self.severity = severity
        self._context = None

    def say(
        self,
        name: str,
        metric: str,
        key: str,
        cycle: int,
        at: Instant,
        due: Instant | None,
        started: Instant,
        elapsed: Span,
        target: Span | None,
        calendar: str,
        threshold: str = "",
        notify: tuple[str, ...] = (),
        in_a_row: int = 0,
        reason: str = "",
        segments: tuple[Segment, ...] = (),
        owner: str = "",
        people: tuple[str, ...] = (),
        at_most: int = 0,
        members: tuple[str, ...] = (),
        occurrences: int = 0,
    ) -> None:
        """One statement, its fields in their order: by name they would cost a microsecond.

        `owner`: of what has one of its own, such as an action item.
        """
        context = self.context
        if owner:
            context = replace(context, owner=owner)
        self.said.append(
            Statement(
                name, metric, key, cycle, at, due, started, elapsed, target, calendar,
                threshold, notify, in_a_row, reason, context, segments, None, people, at_most,
                members, occurrences,
            )
        )  # fmt: skip

    def classified(self, cycle: int, at: Instant, answer: Answer, disagrees: bool) -> None:
        """What the severity rules say, for the `cycle`th time."""
        said = classification(answer, self._attributes, disagrees=disagrees)
        self.said.append(
            Statement(
                "classified", SEVERITY, "", cycle, at, None, at, Span(0), None, AROUND_THE_CLOCK,
                "", (), 0, answer.because, self.context, classification=said,
            )
        )  # fmt: skip

    @property
    def context(self) -> Context:
        """Whom and what is spoken of now."""
        if self._context is not None:
            return self._context
        a = self._attributes
        self._context = context = Context(
            self.severity,
            text(a, "customer"),
            text(a, "tier"),
            text(a, "service"),
            text(a, "team"),
            text(a, "owner"),
            self._policy,
        )
        return context
