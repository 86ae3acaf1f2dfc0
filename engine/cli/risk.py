"""`vigil risk`: what is at stake in the open escalations, and the severity that the rules give them."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from engine.cli.accounts import OR_SET, Archive, At, Events
from engine.cli.exits import ExitCode, Failure
from engine.cli.options import OptionalPolicies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.cli.accounts import Asked
    from engine.core.credits import Exposure
    from engine.core.escalation import Escalation
    from engine.core.risk import Figure, Risk


class _Open(NamedTuple):
    """One open escalation, and what its open clocks may cost."""

    escalation: "Escalation"
    exposures: "tuple[Exposure, ...]"


def command(
    events: Events = None,
    policies: OptionalPolicies = None,
    archive: Archive = None,
    at: At = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON on stdout: every figure with its inputs.")
    ] = False,
) -> None:
    """What is at stake in the open escalations, and their severity.

    A row an open escalation, the gravest first: the severity that holds, what the
    severity rules say and why, and what is not known. Below them the figures of
    all: revenue at risk by currency, customers by tier, customers affected, and
    the credits that open clocks may add, of each customer's monthly fee.

    \b
    Examples:
      vigil risk events.jsonl -p policies
      vigil risk events.jsonl -p policies --at 2026-03-03T09:00:00Z --json
      vigil risk --archive sqlite:///vigil.db -p policies
    """
    from engine.cli.accounts import Asked
    from engine.core.policy import rank

    if policies is None:
        raise Failure("what is open follows from --policies", ExitCode.USAGE, OR_SET)
    asked = Asked(events, policies, archive, at)
    found = sorted(_gathered(asked), key=lambda one: (rank(one.escalation.severity), one.escalation.subject))
    if as_json:
        _print_json(found, asked)
    else:
        _draw(found)
    if asked.unreadable:
        raise typer.Exit(ExitCode.FOUND)


def _gathered(asked: "Asked") -> "Iterator[_Open]":
    """What is open at the time asked about; a pattern is no escalation of a customer."""
    from engine.core import state
    from engine.core.credits import exposures
    from engine.core.escalation import OPEN

    for judged in asked.read():
        if judged.record is None or asked.book is None:
            continue
        escalation, _ = state.decode(judged.record)
        if escalation.status == OPEN and not escalation.occurrences:
            yield _Open(escalation, tuple(exposures(judged.record, asked.book)))


def _risk(found: "Iterable[_Open]") -> "Risk":
    from engine.core.risk import risk

    found = list(found)
    return risk([one.escalation for one in found], [clock for one in found for clock in one.exposures])


def _draw(found: "Sequence[_Open]") -> None:
    from engine.cli.drawing import many
    from engine.cli.output import page, table

    console = page()
    console.print(many(len(found), "open escalation", "open escalations"))
    if not found:
        return
    heads = ["severity", "rules", "because", "subject", "customer", "tier", "affected", "revenue"]
    console.print(table("Open escalations, the gravest first", heads, [_row(one) for one in found]))
    whole = _risk(found)
    rows = [[*_words(figure), len({i.subject for i in figure.inputs})] for figure in whole.figures]
    console.print(table("At stake in all of them", ["what", "of", "amount", "escalations"], rows))
    for one in found:
        unknown = ", ".join(missing.field.replace("_", " ") for missing in _risk([one]).unknown)
        if unknown:
            console.print(f"not known of {one.escalation.subject}: {unknown}")


def _row(one: _Open) -> list[str]:
    from engine.core.attributes import text

    e, a = one.escalation, one.escalation.attributes
    severity, because, disagrees = e.classified
    amount, affected = a.get("revenue_at_risk"), a.get("affected_customers")
    revenue = f"{amount:,.0f} {text(a, 'revenue_currency')}" if isinstance(amount, int | float) else ""
    return [
        e.severity,
        f"{severity} differs" if disagrees else severity,
        because,
        e.subject,
        text(a, "customer_name") or text(a, "customer"),
        text(a, "tier"),
        f"{affected:,}" if isinstance(affected, int) else "",
        revenue,
    ]


def _words(figure: "Figure") -> list[str]:
    from engine.core.risk import AFFECTED, CREDIT, CUSTOMERS, REVENUE

    what = {
        REVENUE: "revenue at risk",
        CUSTOMERS: "customers",
        AFFECTED: "customers affected, at most",
        CREDIT: "credit ahead, % of the fee",
    }
    of = figure.of or {CUSTOMERS: "(no tier)", REVENUE: "(no currency)", CREDIT: "(no customer)"}.get(
        figure.name, ""
    )
    return [what[figure.name], of, f"{figure.amount:,.10g}"]


def _print_json(found: "Sequence[_Open]", asked: "Asked") -> None:
    from engine.cli.output import say_json
    from engine.core.instants import format_instant

    say_json(
        {
            "at": format_instant(asked.at),
            "escalations": [_escalation(one) for one in found],
            **_figures(_risk(found)),
        }
    )


def _escalation(one: _Open) -> dict[str, object]:
    e = one.escalation
    severity, because, disagrees = e.classified
    return {
        "subject": e.subject,
        "title": e.attributes.get("title"),
        "severity": e.severity,
        "stated": e.stated or None,
        "triaged": e.triaged,
        "by_rules": severity or None,
        "because": because or None,
        "disagrees": disagrees,
        **_figures(_risk([one])),
    }


def _figures(whole: "Risk") -> dict[str, object]:
    return {
        "figures": [
            {
                "name": figure.name,
                "of": figure.of,
                "amount": figure.amount,
                "inputs": [given._asdict() for given in figure.inputs],
            }
            for figure in whole.figures
        ],
        "unknown": [unknown._asdict() for unknown in whole.unknown],
    }
