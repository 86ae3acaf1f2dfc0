"""What a board shows of a stored escalation at an instant: which of its clocks, how they stand, until when.

Rows in the notation of the case tables; the last step, `45 seen`, is when it is looked at, with nothing
judged since the step before. Of a clock: its state, metric and key, cycle, [due], what is left of what,
[why], [xN in a row, the last at], [unjudged], [closes], [turns], and in whose hands.
"""

import pytest
from case_notation import Case, begin, cases, take_step
from core_runs import SUBJECT, at, minutes, policy
from core_runs import book_of as book

from engine.core.instants import MINUTE, NEVER, Instant
from engine.core.policy import AROUND_THE_CLOCK
from engine.core.view import ClockView, clocks_of, sources_of

CLOCK = "clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}"
HOURS = "clocks: {resolve: {budget: {P1: 60m @office}, pause: [any]}}"
CADENCE = "cadence: {customer: {every: {P1: 30m}}}"

SEEN = f"""
== with more than a quarter left a clock runs, and turns when a quarter is left
{CLOCK}
0 opened P1; 30 seen
=> running resolve due 60 left 30 of 60 turns 45

== with a quarter left it is at risk, and turns when the due time is over
{CLOCK}
0 opened P1; 45 seen
=> at_risk resolve due 60 left 15 of 60 turns 60+

== at the due time nothing is left, and nothing is breached
{CLOCK}
0 opened P1; 60 seen
=> at_risk resolve due 60 left 0 of 60 turns 60+

== past it, it is breached, and not judged yet
{CLOCK}
0 opened P1; 61 seen
=> breached resolve due 60 left -1 of 60 unjudged

== once it is said, it is judged, and goes on being breached
{CLOCK}
0 opened P1; 61 now; 70 seen
=> breached resolve due 60 left -10 of 60

== a paused clock has no due time and says why; nothing turns by time alone
{CLOCK}
0 opened P1; 20 paused pending_vendor; 50 seen
=> paused resolve left 40 of 60 why pending_vendor

== resumed it runs, and says why it stood no more
{CLOCK}
0 opened P1; 20 paused pending_vendor; 30 resumed; 50 seen
=> running resolve due 70 left 20 of 60 turns 55

== nor do its hours turn it
{HOURS}
0 opened P1; 20 paused pending_vendor; 50 seen
=> paused resolve left 40 of 60 why pending_vendor

== one that was breached and is paused is breached, and keeps its due time
{CLOCK}
0 opened P1; 61 now; 70 paused pending_vendor; 90 seen
=> breached resolve due 60 left -10 of 60 why pending_vendor

== in business hours it closes with them, and would be due on the next day
{HOURS}
390 opened P1; 391 seen
=> running resolve due 1410 left 59 of 60 closes 420 turns 420

== while they are closed nothing counts, and it turns at the next opening
{HOURS}
390 opened P1; 600 seen
=> closed resolve due 1410 left 30 of 60 turns 1380

== at risk it turns with the hours where they close before it is due
{HOURS}
370 opened P1; 415 seen
=> at_risk resolve due 1390 left 15 of 60 closes 420 turns 420

== breached it turns with the hours alone
{HOURS}
0 opened P1; 70 seen
=> breached resolve due 60 left -10 of 60 unjudged closes 420 turns 420

== a clock that was stopped is not shown, nor an escalation that waits for its opening
{CLOCK}
0 opened P1; 20 resolved; 30 seen
=> nothing

== waiting for its opening
{CLOCK}
0 paused pending_vendor; 30 seen
=> nothing

== of the roles of a room those are shown that are asked for
{CLOCK}
war_room: {{P0: {{roles: [commander], staffed_within: 20m, at_most: 3}}}}
0 opened P1; 10 seen
=> running resolve due 60 left 50 of 60 turns 45

== each by its role
war_room: {{P0: {{roles: [commander, scribe], staffed_within: 20m, at_most: 3}}}}
0 opened P0; 5 role_assigned scribe ann; 10 seen
=> running role/commander due 20 left 10 of 20 turns 15

== what starts again has another cycle
clocks: {{confirm: {{budget: {{P1: 60m}}}}}}
0 opened P1; 10 resolved; 20 reopened; 30 resolved; 40 seen
=> running confirm #2 due 90 left 50 of 60 turns 75

== an update that is not overdue is due like any clock
{CADENCE}
0 opened P1; 10 seen
=> running customer_update due 30 left 20 of 30 turns 22.5

== where no update is owed at its severity none is shown
{CADENCE}
0 opened P3; 10 seen
=> nothing

== a silence is over at the due time, and not a moment before
{CADENCE}
0 opened P1; 30 seen
=> at_risk customer_update due 30 left 0 of 30 turns 30+

== of a silence that goes on, what is over is counted from the first due time
{CADENCE}
0 opened P1; 31 now; 40 seen
=> breached customer_update due 30 left -10 of 30 x1 at 30

== each interval in silence is one more in a row; the last of them ended with the last due time
{CADENCE}
0 opened P1; 91 now; 100 seen
=> breached customer_update due 30 left -70 of 30 x3 at 90

== in business hours what a silence is over counts while they are open, and so do its intervals
cadence: {{customer: {{every: {{P1: 60m @office}}}}}}
360 opened P1; 1441 now; 1450 seen
=> breached customer_update due 420 left -70 of 60 x2 at 1440 closes 1860 turns 1860

== while they are closed it is over by what was open
cadence: {{customer: {{every: {{P1: 60m @office}}}}}}
330 opened P1; 391 now; 600 seen
=> breached customer_update due 390 left -30 of 60 x1 at 390 turns 1380

== a stated time that has passed is overdue though no interval follows it
cadence: {{customer: {{every: {{P0: 30m}}}}}}
0 opened P1; 10 update_published customer next_update_at=@50; 51 now; 80 seen
=> breached customer_update #2 due 50 left -30 of 40 x1 at 50

== so is a silence of which no more is said
{CADENCE}
0 opened P1; 31000 now; 31000 seen
=> breached customer_update due 30 left -30970 of 30 x1000 at 30000

== but not where the severity owes no update any more
{CADENCE}
0 opened P1; 31 now; 40 updated P3; 50 seen
=> nothing

== what is due and not judged says so
{CADENCE}
0 opened P1; 31 seen
=> breached customer_update due 30 left -1 of 30 unjudged

== a promise has its words, and the time from the promise to its end
0 opened P1; 10 commitment_made c1 due_at=@50 text=fix; 20 seen
=> running commitment/c1 due 50 left 30 of 40 'fix' turns 40

== a promise of this very moment is over the moment after
0 opened P1; 10 commitment_made c1 due_at=@10; 10 seen
=> running commitment/c1 due 10 left 0 of 0 turns 10+

== an action item is its owner's
0 opened P1; 10 action_opened a1 due_at=@50 title=patch owner=bo; 20 seen
=> running action/a1 due 50 left 30 of 40 'patch' turns 40 by bo

== of both, what is missed and said is judged
0 opened P1; 10 commitment_made c1 due_at=@50; 51 now; 60 seen
=> breached commitment/c1 due 50 left -10 of 40

== what is missed and not said is not
0 opened P1; 10 commitment_made c1 due_at=@50; 60 seen
=> breached commitment/c1 due 50 left -10 of 40 unjudged

== the soonest due comes first, and what is paused last
clocks: {{resolve: {{budget: {{P1: 60m}}, pause: [any]}}, acknowledge: {{budget: {{P1: 20m}}}}}}
cadence: {{customer: {{every: {{P1: 15m}}}}}}
0 opened P1; 5 paused pending_vendor; 10 commitment_made c1 due_at=@18; 11 seen
=> running customer_update due 15 left 4 of 15 turns 11.25; running commitment/c1 due 18 left 7 of 8 turns 16
=> running acknowledge due 20 left 9 of 20 turns 15; paused resolve left 55 of 60 why pending_vendor
"""


def shown(view: ClockView) -> str:
    words = [view.state, view.metric + (view.key and f"/{view.key}")]
    words += [f"#{view.cycle}"] * (view.cycle != 1)
    words += [] if view.due_at is None else [f"due {minutes(view.due_at):g}"]
    words.append(f"left {view.left / MINUTE:g} of {view.target / MINUTE:g}")
    words += [f"'{view.text}'"] * bool(view.text)
    words += [f"why {view.why}"] * bool(view.why)
    words += [f"x{view.in_a_row} at {minutes(view.missed_at):g}"] * bool(view.in_a_row)
    words += ["unjudged"] * (not view.is_judged)
    words += [f"closes {minutes(view.closes_at):g}"] * (view.closes_at < NEVER)
    words += [f"turns {_moment(view.turns_at)}"] * (view.turns_at < NEVER)
    words += [f"by {view.owner}"] * bool(view.owner)
    return " ".join(words)


def _moment(instant: Instant) -> str:
    """`60+` is the very moment after minute 60."""
    after = (instant - at(0)) % 1_000_000
    return f"{minutes(instant - after):g}" + "+" * (after == 1)


@pytest.mark.parametrize("case", cases(SEEN), ids=lambda case: case.rule)
def test_a_clock_is_seen(case: Case) -> None:
    *steps, seen = case.steps
    engine = begin(case)
    for step in steps:
        take_step(engine, case, step, at(float(step.split()[0])))
    record = engine.store[SUBJECT.encode()]
    views = clocks_of(record, engine.book, at(float(seen.split()[0])))
    assert [shown(view) for view in views] == case.expected
    times = [time for view in views for time in (view.left, view.missed_at, view.closes_at, view.turns_at)]
    assert all(type(time) is int for time in times), "whole microseconds"


def test_each_clock_says_what_its_escalation_is_and_in_whose_hands() -> None:
    (case,) = cases(
        f"== of what\n{HOURS}\ncadence: {{customer: {{every: {{P1: 2h @office}}}}}}\n"
        "0 opened P1 title=Mail customer={id:acme,name:Acme} owner=ann team=ops\n"
        "0 commitment_made c1 due_at=@180 by=cy; 0 action_opened a1 due_at=@240 owner=bo"
    )
    engine = begin(case)
    for step in case.steps:
        take_step(engine, case, step, at(0))
    views = clocks_of(engine.store[SUBJECT.encode()], engine.book, at(1))
    for view in views:
        assert (view.subject, view.title, view.severity, view.customer_name) == (
            SUBJECT,
            "Mail",
            "P1",
            "Acme",
        )
    assert [(view.metric, view.owner, view.team, view.calendar) for view in views] == [
        ("resolve", "ann", "ops", "office"),
        ("customer_update", "ann", "ops", "office"),
        ("commitment", "ann", "ops", AROUND_THE_CLOCK),
        ("action", "bo", "ops", AROUND_THE_CLOCK),
    ]


def test_a_customer_without_a_name_is_called_by_its_id() -> None:
    (case,) = cases(f"== of whom\n{CLOCK}\n0 opened P1 customer={{id:acme}}")
    engine = begin(case)
    take_step(engine, case, case.steps[0], at(0))
    (view,) = clocks_of(engine.store[SUBJECT.encode()], engine.book, at(1))
    assert view.customer_name == "acme"


def test_nothing_is_seen_of_an_escalation_whose_policy_the_book_does_not_hold() -> None:
    (case,) = cases(f"== of none\n{CLOCK}\n0 opened P1")
    engine = begin(case)
    take_step(engine, case, case.steps[0], at(0))
    assert sources_of(engine.store[SUBJECT.encode()], book(policy(CLOCK.replace("60m", "61m")))) == []
