"""What was missed, and what of all that was promised was kept."""

from itertools import islice

from engine.documents.trend import charts
from engine.documents.trend.charts import Bar, Line, Said
from engine.documents.trend.figures import Figures, Kept
from engine.documents.trend.markup import Part, table
from engine.documents.trend.report import Trend
from engine.documents.trend.wording import Names, number, owed, share

_ROWS = 14
"""Metrics that are drawn, those breached most; the table has all."""


def missed(trend: Trend, names: Names) -> Part:
    """Breach frequency by metric."""
    title, now = "What was missed", trend.whole.clocks
    whole = trend.whole.judged
    if not whole.judged:
        return Part(title, "No clock was judged.")
    clocks = trend.before.clocks if trend.before else {}
    then = {metric: by["all"].breached_share for metric, by in clocks.items()}
    judged = [(metric, by["all"]) for metric, by in now.items() if metric != "all" and by["all"].judged]
    judged.sort(key=lambda pair: (-(pair[1].breached_share or 0), pair[0]))
    rows = [
        (
            owed(metric), number(one.breached), number(one.judged), share(one.breached_share),
            share(then.get(metric)), number(one.late), number(one.unknown),
        )
        for metric, one in judged
    ]  # fmt: skip
    bars = [
        Bar(owed(metric), one.breached_share or 0, share(one.breached_share), then.get(metric))
        for metric, one in judged[:_ROWS]
    ]
    said = Said(
        "missed", "Share of clocks breached, by what was owed", f"{names.now} against {names.before}."
    )
    return Part(
        title,
        f"{number(whole.breached)} of {number(whole.judged)} judged clocks were breached.",
        charts.bars(said, bars, names.then) if bars else "",
        table(
            title,
            ("What was owed", "Breached", "Judged", "Share", names.then, "Late", "Unknown"),
            rows,
            (
                "All", number(whole.breached), number(whole.judged), share(whole.breached_share),
                share(then.get("all")), number(whole.late), number(whole.unknown),
            ),
        ),
        f"In no share: {number(whole.unknown)} unknown (a source was behind), {number(whole.waived)} waived, "
        f"{number(whole.cancelled)} cancelled. Late: stopped after the breach. "
        f"{number(trend.whole.provisional)} of the verdicts are provisional; {number(trend.whole.amended)} "
        f"outcomes were amended, {number(trend.whole.retracted)} retracted.",
    )  # fmt: skip


def kept_word(trend: Trend, names: Names) -> Part:
    """Updates, promises, RCAs and action items in time."""
    title = "Did we keep our word"
    now = {name: kept for name, kept in _promised(trend.whole).items() if kept.due}
    if not now:
        return Part(title, "No update, promise, RCA or action item was due.")
    then = _promised(trend.before) if trend.before else {}
    rows = [
        (name, number(kept.kept), number(kept.due), share(kept.share), share(_share(then.get(name))))
        for name, kept in now.items()
    ]
    kept, due = (sum(getattr(one, field) for one in now.values()) for field in ("kept", "due"))
    series = [
        Line(name, [_share(_promised(one).get(name)) for one in names.drawn]) for name in islice(now, 3)
    ]
    said = Said("kept", "Share kept in time, by period", f"Up to {names.title}; the table has the sums.")
    actions = trend.whole.actions
    return Part(
        title,
        f"{number(kept)} of {number(due)} were in time: {share(kept / due)}.",
        charts.lines(said, [names.short(one) for one in names.drawn], series),
        table(title, ("What was promised", "In time", "Due", names.now, names.then), rows),
        f"A late update erases no miss. {number(trend.whole.promises.withdrawn)} promises were withdrawn, "
        f"and {number(actions.done)} action items done, in time or late.",
    )


def _promised(figures: Figures) -> dict[str, Kept]:
    """What was promised, and how much of it was kept."""
    promises, actions = figures.promises, figures.actions
    return {
        **{owed(metric): kept for metric, kept in figures.cadence.items()},
        "Promises": Kept(promises.kept, promises.due, promises.share),
        **{owed(metric): kept for metric, kept in figures.rca.items()},
        "Action items": Kept(actions.kept, actions.due, actions.share),
    }


def _share(kept: Kept | None) -> float | None:
    return None if kept is None else kept.share
