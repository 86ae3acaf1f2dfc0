"""The report as one HTML file that needs nothing else."""

from html import escape
from pathlib import Path

from engine.core.instants import parse_instant
from engine.documents import pages
from engine.documents.trend import markup, parts, wording
from engine.documents.trend.figures import Figures
from engine.documents.trend.report import Trend
from engine.documents.trend.wording import Names

_SHEET = Path(__file__).with_name("trend.css")


def page(trend: Trend) -> str:
    """The whole file; the same report gives the same bytes."""
    return pages.page(f"{Names(trend).title} · Trend report", body(trend), _SHEET.read_text("utf-8"))


def body(trend: Trend) -> str:
    """What is in it, for pages that have a sheet for it: sections, tables, charts as SVG."""
    names = Names(trend)
    return (
        '<div class="report">\n'
        '<p class="kicker">Escalation trend report</p>\n'
        f"<h1>{escape(names.title)}</h1>\n"
        f'<p class="lede">{escape(_lede(trend, names))}</p>\n'
        f"{markup.key_figures(_key_figures(trend, names))}"
        f"{''.join(markup.part(n, one) for n, one in enumerate(parts.parts(trend, names), 1))}"
        f"{_footer(trend, names)}</div>\n"
    )


def _lede(trend: Trend, names: Names) -> str:
    now, then = trend.whole, trend.before
    came = f"{wording.number(now.opened['all'])} escalations came in"
    if then:
        came += f", {wording.more(now.opened['all'], then.opened['all'])} in {names.before}"
    judged = now.judged
    if not judged.judged:
        return f"{came}. No clock was judged."
    missed = (
        f"{wording.number(judged.breached)} of {wording.number(judged.judged)} judged clocks were breached"
    )
    change = wording.points(judged.breached_share, then.judged.breached_share if then else None)
    return f"{came}. {missed}: {wording.share(judged.breached_share)}{f', {change}' if change else ''}."


def _key_figures(trend: Trend, names: Names) -> list[tuple[str, str, str]]:
    now, then = trend.whole, trend.before
    share, recurrence = now.judged.breached_share, now.recurrence.share
    if then is None:
        opened = "nothing is known of the time before"
    else:
        opened = wording.number(then.opened["all"]) + (f" in {names.then}" if names.one else " before")
    return [
        ("Escalations", wording.number(now.opened["all"]), opened),
        (
            "Resolved, median",
            wording.length(now.median("resolve")),
            wording.longer(now.median("resolve"), then.median("resolve") if then else None),
        ),
        (
            "Clocks breached",
            wording.share(share),
            wording.points(share, then.judged.breached_share if then else None),
        ),
        _kept(now, then),
        (
            "Recurrence",
            ("≥ " if now.recurrence.at_least else "") + wording.share(recurrence),
            wording.points(recurrence, then.recurrence.share if then else None)
            if now.recurrence.known
            else "unknown: no fingerprint is known",
        ),
    ]


def _kept(now: Figures, then: Figures | None) -> tuple[str, str, str]:
    """Promises, or where there were none updates to the customer."""
    if now.promises.due or "customer_update" not in now.cadence:
        beside = wording.points(now.promises.share, then.promises.share if then else None)
        return (
            "Promises kept",
            wording.share(now.promises.share),
            beside if now.promises.due else "none was due",
        )
    kept, before = now.cadence["customer_update"], then.cadence.get("customer_update") if then else None
    beside = wording.points(kept.share, before.share if before else None)
    return "Customer updates in time", wording.share(kept.share), beside


def _footer(trend: Trend, names: Names) -> str:
    whole, before = trend.whole, trend.before
    compared = (
        f"compared with {names.before}, {before.start} to {before.end}"
        if before
        else f"the archive knows nothing of {names.before}"
    )
    told = [
        f"Period: {whole.start} to {whole.end}, {trend.by}s of {trend.zone}; {compared}.",
        f"As now known; the archive knows of {trend.known_from} to {trend.known_until}.",
    ]
    incomplete = [names.full(one) for one in trend.periods if not one.complete]
    if incomplete:
        told.append(f"Not over yet, as far as the archive knows: {', '.join(incomplete)}.")
    if before and parse_instant(before.start) < parse_instant(trend.known_from):
        told.append("The archive begins within what is compared with, so that side is incomplete.")
    told.append("What each figure counts: docs/trend.md. The same figures: --format json, --format csv.")
    return f"<footer>{''.join(f'<span>{escape(line)}</span>' for line in told)}</footer>\n"
