"""The report as one HTML file that needs nothing else."""

from html import escape
from pathlib import Path

from engine.documents import pages
from engine.documents.trend import markup, parts, wording
from engine.documents.trend.report import Trend
from engine.documents.trend.wording import Names

_SHEET = Path(__file__).with_name("trend.css")


def page(trend: Trend) -> str:
    """The whole file; the same report gives the same bytes."""
    names = Names(trend)
    body = (
        '<div class="report">\n'
        '<p class="kicker">Escalation trend report</p>\n'
        f"<h1>{escape(names.title)}</h1>\n"
        f'<p class="lede">{escape(_lede(trend, names))}</p>\n'
        f"{markup.key_figures(_key_figures(trend, names))}"
        f"{''.join(markup.part(n, one) for n, one in enumerate(parts.parts(trend, names), 1))}"
        f"{_footer(trend, names)}</div>\n"
    )
    return pages.page(f"{names.title} · Trend report", body, _SHEET.read_text("utf-8"))


def _lede(trend: Trend, names: Names) -> str:
    now, then = trend.whole, trend.before
    came = f"{wording.number(now.opened['all'])} escalations came in"
    if then.opened["all"]:
        came += f", {wording.more(now.opened['all'], then.opened['all'])} in {names.before}"
    judged = now.clocks.get("all", {}).get("all")
    if judged is None or not judged.judged:
        return f"{came}. No clock was judged."
    share = wording.share(judged.breached_share)
    missed = (
        f"{wording.number(judged.breached)} of {wording.number(judged.judged)} judged clocks were breached"
    )
    before = then.clocks.get("all", {}).get("all")
    change = wording.points(judged.breached_share, before.breached_share if before else None)
    return f"{came}. {missed}: {share}{f', {change}' if change else ''}."


def _key_figures(trend: Trend, names: Names) -> list[tuple[str, str, str]]:
    now, then = trend.whole, trend.before
    judged, before = (one.clocks.get("all", {}).get("all") for one in (now, then))
    took, took_before = (
        one.time_to["resolve"]["all"].calendar.median if "resolve" in one.time_to else None
        for one in (now, then)
    )
    share = judged.breached_share if judged else None
    return [
        (
            "Escalations",
            wording.number(now.opened["all"]),
            f"{wording.number(then.opened['all'])} {names.then if not names.one else f'in {names.then}'}",
        ),
        ("Resolved, median", wording.length(took), wording.sooner(took, took_before)),
        (
            "Clocks breached",
            wording.share(share),
            wording.points(share, before.breached_share if before else None),
        ),
        _kept(trend),
        (
            "Recurrence",
            _at_least(trend) + wording.share(now.recurrence.share),
            wording.points(now.recurrence.share, then.recurrence.share)
            if now.recurrence.known
            else "unknown: no fingerprint is known",
        ),
    ]


def _kept(trend: Trend) -> tuple[str, str, str]:
    """Promises, or where there were none updates to the customer."""
    now, then = trend.whole, trend.before
    if now.promises.due or "customer_update" not in now.cadence:
        beside = wording.points(now.promises.share, then.promises.share)
        return (
            "Promises kept",
            wording.share(now.promises.share),
            beside if now.promises.due else "none was due",
        )
    kept, before = now.cadence["customer_update"], then.cadence.get("customer_update")
    beside = wording.points(kept.share, before.share if before else None)
    return "Customer updates in time", wording.share(kept.share), beside


def _at_least(trend: Trend) -> str:
    return "≥ " if trend.whole.recurrence.at_least and trend.whole.recurrence.share is not None else ""


def _footer(trend: Trend, names: Names) -> str:
    whole, before = trend.whole, trend.before
    told = [
        f"Period: {whole.start} to {whole.end}, {trend.by}s of {trend.zone}; compared with {names.before}, "
        f"{before.start} to {before.end}.",
        f"As now known; the archive knows of {trend.known_from} to {trend.known_until}.",
    ]
    incomplete = [names.full(one) for one in trend.periods if not one.complete]
    if incomplete:
        told.append(f"Not over yet, as far as the archive knows: {', '.join(incomplete)}.")
    if before.start < trend.known_from:
        told.append("The archive begins within what is compared with, so that side is incomplete.")
    told.append("What each figure counts: docs/trend.md. The same figures: --format json, --format csv.")
    return f"<footer>{''.join(f'<span>{escape(line)}</span>' for line in told)}</footer>\n"
