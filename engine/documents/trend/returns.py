"""Whether it comes back, and what does."""

from collections.abc import Sequence

from engine.core.instants import HOUR, SECOND, parse_instant
from engine.documents.trend import charts
from engine.documents.trend.charts import Column, Said
from engine.documents.trend.markup import Part, table
from engine.documents.trend.report import Pattern, Trend
from engine.documents.trend.wording import Names, hours, number, share


def comes_back(trend: Trend, names: Names) -> Part:
    """The recurrence rate."""
    title, now = "Does it come back", trend.whole.recurrence
    if now.share is None:
        return Part(title, "Unknown: of no escalation a fingerprint is known.")
    given = [
        Column(names.short(one), one.recurrence.share, share(one.recurrence.share), one in trend.periods)
        for one in names.drawn
    ]
    both = [now, *([trend.before.recurrence] if trend.before else [])]
    rows = [
        (
            "Escalations whose pattern came before",
            *(f"{number(one.again)} of {number(one.known)}" for one in both),
        ),
        ("Patterns detected", *(number(one.detected) for one in both)),
        ("Flagged in time", *(f"{number(one.flagged.kept)} of {number(one.flagged.due)}" for one in both)),
    ]
    at_least = "At least " if now.at_least else ""
    return Part(
        title,
        f"{at_least}{share(now.share)} of the escalations had the fingerprint of one in the 90 days before.",
        charts.columns(Said("back", "Recurrence rate by period", "The table has the sums."), given),
        table(title, ("Measure", names.now, names.then)[: len(both) + 1], rows),
        "At least: the archive does not reach back 90 days further." if now.at_least else "",
    )


def patterns(trend: Trend) -> Part:
    """The fingerprints seen most often."""
    title = "What keeps coming back"
    if not trend.patterns:
        known = trend.whole.recurrence.known
        return Part(title, "No fingerprint came twice." if known else "Unknown: no fingerprint is known.")
    start, end = parse_instant(trend.whole.start), parse_instant(trend.whole.end)

    def row(place: int, one: Pattern) -> Sequence[str]:
        dots = [(parse_instant(at) - start) / (end - start) for at in one.seen]
        said = Said(f"p{place}", f"{one.times} times", f"First {one.seen[0]}, last {one.seen[-1]}.")
        return (
            one.title or one.fingerprint,
            one.service,
            charts.strip(said, dots),
            _flag(one.flag),
            number(one.times),
            number(one.customers),
            hours(one.hours * HOUR / SECOND),
        )

    heads = ("Pattern", "Service", "When", "Flag", "Times", "Customers", "Hours")
    rows = [row(place, one) for place, one in enumerate(trend.patterns)]
    return Part(
        title,
        f"The {len(rows)} fingerprints seen most often. Each dot is one escalation.",
        table=table(title, heads, rows, texts=4),
        note="Hours from opening to last resolution, of those that are resolved.",
    )


def _flag(verdict: str | None) -> str:
    return {"met": "flagged", "stopped_late": "flagged late", "breached": "overdue"}.get(
        verdict or "", "not yet"
    )
