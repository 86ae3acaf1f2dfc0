"""What is owed beside the clocks of a ticket: RCA, PIR, actions, roles, waivers; a case a rule."""

# ruff: noqa: E501  # a line of facts stays a line

import pytest
from case_notation import Case, cases, play

OBLIGATIONS = """
== Commitments 2: summary and final run from the resolution to their publication
picture: commitments-2
clocks: {rca_summary: {budget: {P0: 48h}}, rca_final: {budget: {P0: 5d}}}
0 opened P0; 600 resolved; 2400 rca_published summary; 8400 rca_published final
=> 2400 met rca_summary due 3480; 7800 breached rca_final due 7800; 8400 stopped_late rca_final due 7800

== Commitments 2: the final report is a summary too
clocks: {rca_summary: {budget: {P0: 48h}}, rca_final: {budget: {P0: 14d}}}
0 opened P0; 60 resolved; 120 rca_published final
=> 120 met rca_summary due 2940; 120 met rca_final due 20220

== Commitments 2: what never was P0 or P1 owes none
clocks: {rca_summary: {budget: {P0: 48h, P1: 48h}}}
0 opened P2; 60 resolved; 9000 now
=> nothing

== Commitments 2: a downgrade does not waive it, and the budget is that of the highest severity
clocks: {rca_summary: {budget: {P0: 24h, P1: 48h}}}
0 opened P0; 10 triaged P1; 20 updated P3; 60 resolved; 1501 now
=> 1500 breached rca_summary due 1500

== Commitments 2: a downgrade after the resolution changes nothing
clocks: {rca_summary: {budget: {P0: 24h, P1: 48h}}}
0 opened P0; 60 resolved; 70 updated P3; 1501 now
=> 1500 breached rca_summary due 1500

== Commitments 2: an upgrade after the resolution begins it, with nothing elapsed
clocks: {rca_summary: {budget: {P0: 24h}}}
0 opened P2; 60 resolved; 100 updated P0; 1540 rca_published summary
=> 1540 met rca_summary due 1540

== Commitments 2: closing without a resolution begins it, closing after one does not begin it again
clocks: {rca_summary: {budget: {P1: 24h}}}
0 opened P1; 60 closed; 100 rca_published summary; 200 closed; 3000 now
=> 100 met rca_summary due 1500

== Commitments 2: closing after the resolution neither ends it nor begins it again
clocks: {rca_summary: {budget: {P1: 24h}}}
0 opened P1; 60 resolved; 70 rca_published summary; 80 closed; 3000 now
=> 70 met rca_summary due 1500

== Commitments 2: only the publication stops it
clocks: {rca_summary: {budget: {P1: 24h}}}
0 opened P1; 60 resolved; 70 message_sent; 80 resolution_confirmed; 90 closed; 1501 now
=> 1500 breached rca_summary due 1500

== Commitments 2: a reopening cancels it, and the next resolution starts the next cycle
clocks: {rca_summary: {budget: {P1: 24h}}}
0 opened P1; 60 resolved; 100 reopened; 200 resolved; 300 rca_published summary
=> 100 cancelled rca_summary due 1500 (reopened); 300 met rca_summary #2 due 1640

== Commitments 2: a reopening after the publication asks for another at the next resolution
clocks: {rca_summary: {budget: {P1: 24h}}}
0 opened P1; 60 resolved; 70 rca_published summary; 100 reopened; 200 resolved; 1641 now
=> 70 met rca_summary due 1500; 1640 breached rca_summary #2 due 1640

== Commitments 2: breached and still missing it is said again each day
clocks: {rca_summary: {budget: {P1: 24h}}}
0 opened P1; 60 resolved; 4381 now; 4400 rca_published summary; 9000 now
=> 1500 breached rca_summary due 1500; 2940 overdue rca_summary due 1500 x1; 4380 overdue rca_summary due 1500 x2
=> 4400 stopped_late rca_summary due 1500

== Commitments 2: a day is over when it is over
clocks: {rca_summary: {budget: {P1: 24h}}}
0 opened P1; 60 resolved; 2940 rca_published summary
=> 1500 breached rca_summary due 1500; 2940 stopped_late rca_summary due 1500

== Commitments 2: published late and told late, the days between are not overdue
clocks: {rca_summary: {budget: {P1: 24h}}}
0 opened P1; 60 resolved; 4381 now; 2000 rca_published summary :late
=> 1500 breached rca_summary due 1500; 2940 overdue rca_summary due 1500 x1; 4380 overdue rca_summary due 1500 x2
=> 2940 retracted overdue rca_summary due 1500 x1 by late; 4380 retracted overdue rca_summary due 1500 x2 by late
=> 2000 stopped_late rca_summary due 1500

== Commitments 2: in a merge it is cancelled like everything that is open
clocks: {rca_summary: {budget: {P1: 24h}}}
0 opened P1; 60 resolved; 70 merged desk:2; 9000 now
=> 70 cancelled rca_summary due 1500 (merged)

== Commitments 2: the post-incident review runs from the resolution until it is held
clocks: {pir: {budget: {P0: 72h}}}
0 opened P0; 60 resolved; 70 rca_published final; 100 pir_held
=> 100 met pir due 4380

== Commitments 3: it runs to its date, and is said with it
actions: {budget: {P0: 28d}}
0 opened P0; 60 action_opened fix due_at=@300; 300 action_completed fix
=> 300 met action/fix due 300

== Commitments 3: without a date the gravest severity gives one
actions: {budget: {P0: 28d, P1: 56d}}
0 opened P0; 10 updated P1; 60 action_opened fix; 100 action_completed fix
=> 100 met action/fix due 40380

== Commitments 3: neither date nor budget, nothing is owed
actions: {budget: {P0: 28d}}
0 opened P2; 60 action_opened fix; 100 action_completed fix
=> nothing

== Commitments 3: late it is breached, said again each day, and stopped late
picture: commitments-3
actions: {budget: {P0: 28d}}
0 opened P0; 300 action_opened fix due_at=@2000; 3441 now; 3800 action_completed fix
=> 2000 breached action/fix due 2000; 3440 overdue action/fix due 2000 x1; 3800 stopped_late action/fix due 2000

== Commitments 3: the policy's warnings hold for it
risk: [50%]
actions: {budget: {P0: 28d}}
0 opened P0; 60 action_opened fix due_at=@260; 161 now; 200 action_cancelled fix reason=obsolete
=> 160 breach_risk action/fix due 260 50%; 200 cancelled action/fix due 260 (obsolete)

== Commitments 3: cancelled without a reason, that is the reason
0 opened P0; 60 action_opened fix due_at=@260; 100 action_cancelled fix; 300 now
=> 100 cancelled action/fix due 260 (cancelled)

== Commitments 3: told again it keeps its date unless another is stated
actions: {budget: {P0: 28d}}
0 opened P0; 60 action_opened fix due_at=@300; 100 action_opened fix owner=bo; 200 action_opened fix due_at=@250; 251 now
=> 250 breached action/fix due 250

== Commitments 3: opened again without a date, a budget gives it another, else it has the one that it had
actions: {budget: {P0: 1h}}
0 opened P2; 10 action_opened fix due_at=@60; 20 action_completed fix; 30 action_opened fix; 61 now; 70 action_completed fix; 80 updated P0; 90 action_opened fix; 151 now
=> 20 met action/fix due 60; 60 breached action/fix #2 due 60; 70 stopped_late action/fix #2 due 60; 150 breached action/fix #3 due 150

== Commitments 3: breached and given another date, that is the next cycle, and the other is over
actions: {budget: {P0: 28d}}
0 opened P0; 60 action_opened fix due_at=@300; 310 action_opened fix due_at=@500; 400 action_completed fix
=> 300 breached action/fix due 300; 310 cancelled action/fix due 300 (renegotiated); 400 met action/fix #2 due 500

== Commitments 3: it outlives the closing
actions: {budget: {P0: 28d}}
0 opened P0; 10 resolved; 20 closed; 60 action_opened fix due_at=@300; 301 now
=> 300 breached action/fix due 300

== Built-in 12: each role that the severity asks for runs from the opening until somebody has it
picture: built-in-12
war_room: {P0: {roles: [commander, comms], staffed_within: 15m, at_most: 4}}
0 opened P0; 10 role_assigned commander ann; 16 now; 20 role_assigned comms bo
=> 10 met role/commander due 15; 15 breached role/comms due 15; 20 stopped_late role/comms due 15

== Built-in 12: a severity that asks for none owes none, an upgrade begins it
war_room: {P0: {roles: [commander], staffed_within: 15m, at_most: 4}}
0 opened P2; 100 updated P0; 116 now
=> 115 breached role/commander due 115

== Built-in 12: who has it already is not asked for again
war_room: {P0: {roles: [commander, comms], staffed_within: 15m, at_most: 4}}
0 opened P2; 50 role_assigned commander ann; 100 updated P0; 105 role_assigned comms bo; 300 now
=> 105 met role/comms due 115

== Built-in 12: another severity's time, and what was elapsed is carried
war_room: {P0: {roles: [commander], staffed_within: 15m, at_most: 4}, P1: {roles: [commander, comms], staffed_within: 30m, at_most: 4}}
0 opened P1; 10 updated P0; 16 now
=> 10 cancelled role/comms due 30 (no_target); 15 breached role/commander due 15

== Built-in 12: released, it is vacant: the next cycle
war_room: {P0: {roles: [commander], staffed_within: 15m, at_most: 4}}
0 opened P0; 5 role_assigned commander ann; 60 role_released commander ann; 76 now; 80 role_assigned commander bo
=> 5 met role/commander due 15; 75 breached role/commander #2 due 75; 80 stopped_late role/commander #2 due 75

== Built-in 12: a handover leaves nothing vacant
war_room: {P0: {roles: [commander], staffed_within: 15m, at_most: 4}}
0 opened P0; 5 role_assigned commander ann; 60 role_assigned commander bo; 61 role_released commander ann; 300 now
=> 5 met role/commander due 15

== Built-in 12: a resolution ends the room, a reopening asks for who is missing
war_room: {P0: {roles: [commander, comms], staffed_within: 15m, at_most: 4}}
0 opened P0; 5 role_assigned commander ann; 10 resolved; 20 role_released comms bo; 100 reopened; 116 now
=> 5 met role/commander due 15; 10 cancelled role/comms due 15 (resolved); 115 breached role/comms #2 due 115

== Built-in 12: graver while resolved, the room is asked for at the reopening
war_room: {P0: {roles: [commander], staffed_within: 15m, at_most: 4}}
0 opened P2; 10 resolved; 20 updated P0; 50 now; 100 reopened; 116 now
=> 115 breached role/commander due 115

== Built-in 19: the clock is exempt, out of denominators and visible
picture: built-in-19
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 10 waived resolve reason=exempt; 100 resolved; 110 reopened; 300 now
=> 10 waived resolve due 60 (exempt)

== Built-in 19: before its start it never starts
clocks: {rca_final: {budget: {P1: 14d}}}
0 opened P1; 10 waived rca_final reason=declined; 60 resolved; 30000 now
=> 10 waived rca_final (declined)

== Built-in 19: after its breach the breach stays said
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 70 resolved; 80 waived resolve reason=force; 90 waived resolve reason=again
=> 60 breached resolve due 60; 70 stopped_late resolve due 60; 80 waived resolve (force)

== Built-in 19: what else there is goes on at a reopening
clocks: {confirm: {budget: {P1: 60m}}, resolve: {budget: {P1: 60m}}}
cadence: {customer: {every: {P1: 60m}}, internal: {every: {P1: 50m}}}
0 opened P1; 5 waived confirm reason=agreed; 6 waived customer_update reason=agreed; 10 resolved; 20 reopened; 71 now
=> 5 waived confirm (agreed); 6 waived customer_update due 60 (agreed); 10 met resolve due 60; 70 breached resolve due 70; 70 cadence_missed internal_update due 70 x1

== Built-in 19: a cadence says nothing more
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 70 waived customer_update reason=agreed; 300 now; 310 resolved; 320 reopened; 900 now
=> 60 cadence_missed customer_update due 60 x1; 70 waived customer_update due 120 (agreed)

== Built-in 19: one that owes no update at its severity is exempt all the same
cadence: {customer: {every: {P1: 60m}}}
0 opened P3; 10 waived customer_update reason=agreed; 20 updated P1; 200 now
=> 10 waived customer_update (agreed)

== Built-in 19: before its start a cadence never starts
show: elapsed proof
cadence: {customer: {every: {P1: 60m @office}, start: triaged}}
0 opened P1; 10 waived customer_update reason=agreed; 20 triaged; 30 closed; 40 reopened; 200 now
=> 10 waived customer_update (agreed) elapsed 0 proof office+versions

== Built-in 19: after its end it is said of the interval that was the last
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer; 20 closed; 30 waived customer_update reason=agreed; 40 reopened; 200 now
=> 10 met customer_update due 60; 30 waived customer_update #2 (agreed)

== Built-in 19: with the time that a cadence has taken on its calendar
show: elapsed target
cadence: {customer: {every: {P1: 60m @office}}}
400 opened P1; 500 waived customer_update reason=agreed
=> 500 waived customer_update due 1420 (agreed) elapsed 20 target 60

== Built-in 19: of promises and actions those that are open
actions: {budget: {P1: 56d}}
0 opened P1; 5 action_opened fix due_at=@50; 10 waived action reason=moot; 20 action_opened other due_at=@60; 61 now
=> 10 waived action/fix due 50 (moot); 60 breached action/other due 60

== Built-in 20: from one person to another it runs until somebody works on it
picture: built-in-20
clocks: {handover: {budget: {P1: 15m}}}
0 opened P1; 5 assigned ann; 20 assigned bo; 30 message_sent; 40 assigned cy; 56 now; 60 acknowledged
=> 30 met handover due 35; 55 breached handover #2 due 55; 60 stopped_late handover #2 due 55

== Built-in 20: from hand to hand it does not begin again
clocks: {handover: {budget: {P1: 15m}}}
0 opened P1 owner=ann; 10 assigned bo; 20 assigned cy; 26 now
=> 25 breached handover due 25

== Built-in 20: nobody's escalation that is taken is not handed over, nor a team's that one of them takes
clocks: {handover: {budget: {P1: 15m}}}
0 opened P1; 5 assigned team=blue; 10 assigned ann team=blue; 60 now
=> nothing

== Built-in 20: from team to team it is, by whatever verb
clocks: {handover: {budget: {P1: 15m}}}
0 opened P1 team=blue; 5 updated team=red; 21 now
=> 20 breached handover due 20

== Built-in 20: the resolution ends it, and after it nothing is handed over
clocks: {handover: {budget: {P1: 15m}}}
0 opened P1 owner=ann; 5 assigned bo; 10 resolved; 20 assigned cy; 60 now
=> 10 met handover due 20 (resolved)

== Built-in 21: nobody works on it
picture: built-in-21
clocks: {stall: {budget: {P1: 60m}}}
0 opened P1; 30 message_sent; 40 message_received; 91 now; 100 update_published internal; 120 resolved; 300 now
=> 30 met stall due 60; 90 breached stall #2 due 90; 100 stopped_late stall #2 due 90; 120 met stall #3 due 160 (resolved)

== Built-in 21: to hand it on is no work, nor is what systems update
clocks: {stall: {budget: {P1: 60m}}}
0 opened P1; 20 assigned ann; 30 updated affected_customers=9; 61 now
=> 60 breached stall due 60

== Built-in 21: while it waits for the customer nobody has to
clocks: {stall: {budget: {P1: 60m}, pause: [pending_customer]}}
0 opened P1; 30 paused pending_customer; 300 now; 310 resumed; 341 now
=> 340 breached stall due 340

== Built-in 21: a reopening begins it again
clocks: {stall: {budget: {P1: 60m}}}
0 opened P1; 10 resolved; 20 message_sent; 100 reopened; 161 now
=> 10 met stall due 60 (resolved); 160 breached stall #2 due 160

== Built-in 19: another metric is not concerned
clocks: {resolve: {budget: {P1: 60m}}, triage: {budget: {P1: 30m}}}
0 opened P1; 10 waived triage reason=exempt; 61 now
=> 10 waived triage due 30 (exempt); 60 breached resolve due 60

== Built-in 22: more people than the policy allows are flagged, with who is in
picture: built-in-22
war_room: {P1: {roles: [commander], staffed_within: 15m, at_most: 2}}
0 opened P1; 5 role_assigned commander ann; 10 role_assigned comms bo; 20 role_assigned scribe cy; 60 now
=> 5 met role/commander due 15; 20 room_too_large war_room ann,bo,cy, 2 at most

== Built-in 22: said once, and again each time that the limit is passed
war_room: {P1: {roles: [commander], staffed_within: 15m, at_most: 2}}
0 opened P1; 1 role_assigned commander ann; 2 role_assigned comms bo; 3 role_assigned scribe cy; 4 role_assigned expert di; 9 role_released expert di; 10 role_released scribe cy; 20 role_assigned expert di
=> 1 met role/commander due 15; 3 room_too_large war_room ann,bo,cy, 2 at most; 20 room_too_large war_room #2 ann,bo,di, 2 at most

== Built-in 22: people are counted and not roles, and a handover makes none more
war_room: {P1: {roles: [commander], staffed_within: 15m, at_most: 1}}
0 opened P1; 1 role_assigned commander ann; 2 role_assigned comms ann; 3 role_assigned scribe ann; 60 now
=> 1 met role/commander due 15

== Built-in 22: who hands a role over is in by another role, or out
war_room: {P1: {roles: [commander], staffed_within: 15m, at_most: 2}}
0 opened P1; 1 role_assigned commander ann; 2 role_assigned comms bo; 3 role_assigned commander cy; 4 role_assigned scribe ann; 60 now
=> 1 met role/commander due 15; 4 room_too_large war_room ann,bo,cy, 2 at most

== Built-in 22: another severity, another limit
war_room: {P0: {roles: [commander], staffed_within: 15m, at_most: 3}, P1: {roles: [commander], staffed_within: 15m, at_most: 2}}
0 opened P0; 1 role_assigned commander ann; 2 role_assigned comms bo; 3 role_assigned scribe cy; 30 updated P1; 40 updated P2; 50 updated P1
=> 1 met role/commander due 15; 30 room_too_large war_room ann,bo,cy, 2 at most; 50 room_too_large war_room #2 ann,bo,cy, 2 at most

== Built-in 22: the resolution ends the room, a reopening counts again
war_room: {P1: {roles: [commander], staffed_within: 15m, at_most: 1}}
0 opened P1; 1 role_assigned commander ann; 10 resolved; 20 role_assigned comms bo; 30 reopened
=> 1 met role/commander due 15; 30 room_too_large war_room ann,bo, 1 at most

== Built-in 22: exempt, it is silent
war_room: {P1: {roles: [commander], staffed_within: 15m, at_most: 1}}
0 opened P1; 1 role_assigned commander ann; 5 waived war_room reason=drill; 20 role_assigned comms bo; 30 now
=> 1 met role/commander due 15

== Built-in 22: what was so before the opening is said at it
war_room: {P1: {roles: [commander], staffed_within: 15m, at_most: 1}}
0 opened P1; -9 role_assigned commander ann; -8 role_assigned comms bo; 30 now
=> -9 met role/commander due 15; 0 room_too_large war_room ann,bo, 1 at most

== Built-in 22: told late that somebody had left, it is taken back
war_room: {P1: {roles: [commander], staffed_within: 15m, at_most: 1}}
0 opened P1; 1 role_assigned commander ann; 20 role_assigned comms bo; 30 now; 10 role_released commander ann :late
=> 1 met role/commander due 15; 20 room_too_large war_room ann,bo, 1 at most; 20 retracted room_too_large war_room ann,bo, 1 at most by late
"""


@pytest.mark.parametrize("case", cases(OBLIGATIONS), ids=lambda case: case.rule)
def test_rule(case: Case) -> None:
    assert play(case) == case.expected


@pytest.mark.parametrize(("metric", "days"), [("rca_summary", 365), ("confirm", 30)])
def test_what_is_never_served_is_silent_in_the_end(metric: str, days: int) -> None:
    case = Case("Commitments 2", [f"clocks: {{{metric}: {{budget: {{P1: 24h}}}}}}"])
    case.steps = ["0 opened P1", "0 resolved", f"{1440 * 500} now"]
    said = play(case)
    assert said[0] == f"1440 breached {metric} due 1440"
    assert said[-1] == f"{1440 * (days + 1)} overdue {metric} due 1440 x{days}"
    assert len(said) == days + 1
