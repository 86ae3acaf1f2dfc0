"""How much came in, and how long it took."""

from engine.core.instants import HOUR, SECOND
from engine.documents.trend import charts, wording
from engine.documents.trend.charts import Bar, Range, Said
from engine.documents.trend.figures import TimeTo
from engine.documents.trend.markup import Part, table
from engine.documents.trend.report import Trend
from engine.documents.trend.wording import Names, length, number, owed, signed

_HOUR = HOUR / SECOND


def came_in(trend: Trend, names: Names) -> Part:
    """Volume by severity."""
    now, then = trend.whole, trend.before
    title = "How much came in"
    severities = sorted({*now.opened, *(then.opened if then else ())} - {"all"})
    rows = [(one, now.opened.get(one, 0), then.opened.get(one, 0) if then else None) for one in severities]
    whole = ("All", now.opened["all"], then.opened["all"] if then else None)
    say = f"{number(now.opened['all'])} escalations"
    if then:
        say += f", {wording.more(now.opened['all'], then.opened['all'])} in {names.before}"
    few = [severity for severity, here, there in rows if here + (there or 0) < 10]
    say += f". {wording.listed(few)}: too few to call a trend." if few else "."
    note = "Severity is the gravest ever held. Not counted: "
    note += f"{number(now.cancelled)} cancelled, {number(now.merged)} merged into another."
    if not rows:
        return Part(title, "Nothing came in.", note=note)
    said = Said("volume", "Escalations by severity", f"{names.now} against {names.before}; the table has it.")
    return Part(
        title,
        say,
        charts.bars(said, [Bar(name, here, number(here), there) for name, here, there in rows], names.then),
        table(
            title,
            ("Severity", names.now, names.then, "Change"),
            [_changed(*row) for row in rows],
            _changed(*whole),
        ),
        note,
    )


def _changed(name: str, here: int, there: int | None) -> tuple[str, ...]:
    if there is None:
        return name, number(here), wording.UNKNOWN, wording.UNKNOWN
    return name, number(here), number(there), signed(here - there)


def took(trend: Trend, names: Names) -> Part:
    """MTTA, MTTR and their relatives."""
    title, now = "How long it took", trend.whole.time_to
    if not now:
        return Part(title, "No clock was stopped.")
    then = trend.before.time_to if trend.before else {}
    drawn = [
        (f"{owed(metric)}, {severity}" if severity != "all" else f"{owed(metric)}, all", metric, severity)
        for metric in ("acknowledge", "resolve")
        for severity in now.get(metric, {})
    ] or [(owed(metric), metric, "all") for metric in now]
    rows = [
        _range(label, now[metric][severity], then.get(metric, {}).get(severity))
        for label, metric, severity in drawn
    ]
    listed = [
        (f"{owed(metric)}, {severity}", *_lengths(one, then.get(metric, {}).get(severity)))
        for metric, by_severity in now.items()
        for severity, one in by_severity.items()
        if severity == "all" or metric in ("acknowledge", "resolve")
    ]
    heads = ("Clock", "Cases", "Median", names.then, "p90", names.then, "Mean", "Business median", "p90")
    said = Said(
        "times", "Time to acknowledge and to resolve", "Median and 90th percentile on a logarithmic axis."
    )
    return Part(
        title,
        _took_words(trend, names),
        charts.ranges(said, rows, names.then),
        table(title, heads, listed),
        "From the start of the clock to its stop, in calendar time; business: on the clock's own calendar, "
        "without its pauses. A dot is the median, the bar's end p90, hollow the span before. The axis is "
        "logarithmic: each step is a multiple. Of fewer than ten cases each is drawn, and there is no p90.",
        wide=True,
    )


def _took_words(trend: Trend, names: Names) -> str:
    took = trend.whole.time_to.get("resolve")
    if took is None:
        return "Nothing was resolved on a clock."
    median = took["all"].calendar.median
    change = wording.longer(median, trend.before.median("resolve") if trend.before else None)
    told = f"Half of what was resolved took no longer than {length(median)}"
    if change:
        told += f", {change}" + ("" if change == "as before" else f" than in {names.before}")
    p90 = took["all"].calendar.p90
    return told + ("." if p90 is None else f"; one in ten took longer than {length(p90)}.")


def _range(label: str, now: TimeTo, then: TimeTo | None) -> Range:
    took, before = now.calendar, then.calendar if then else None
    p90 = None if took.p90 is None else took.p90 / _HOUR
    return Range(
        label,
        took.median / _HOUR,
        p90,
        length(took.median)
        + (f" \N{EN DASH} {length(took.p90)}" if took.p90 is not None else f", {took.cases} in all"),
        [one / _HOUR for one in took.each],
        None
        if before is None
        else (before.median / _HOUR, None if before.p90 is None else before.p90 / _HOUR),
    )


def _lengths(now: TimeTo, then: TimeTo | None) -> tuple[str, ...]:
    took, before, business = now.calendar, then.calendar if then else None, now.business
    return (
        number(took.cases),
        length(took.median),
        length(before.median if before else None),
        length(took.p90),
        length(before.p90 if before else None),
        length(took.mean),
        length(business.median),
        length(business.p90),
    )
