"""The order of facts, and what is said of them, a case a rule, in the notation of `case_notation`."""

# ruff: noqa: E501  # a line of facts stays a line

import pytest
from case_notation import Case, cases, play

FACTS = """
== Order 1: the opening stands first whatever its time, older facts follow it
picture: order-1
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; -5 acknowledged
=> -5 met acknowledge due 15

== Order 1: before the opening nothing warns, whatever moved there
risk: [50%]
clocks: {resolve: {budget: {P0: 100m, P1: 200m}, anchor: reported}}
0 opened P1 reported_at=@-80; -60 updated P0; 1 now
=> 0 breach_risk resolve due 20 50%

== Order 1: before the opening no promise warns
commitments: {risk: [50%]}
0 opened P1; -60 commitment_made c1 due_at=@20; -50 commitment_renegotiated c1 due_at=@30; 5 now
=> 0 breach_risk commitment/c1 due 30 50%

== Order 1: an update before the opening is followed by the first interval from the opening
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; -300 update_published customer; 61 now
=> -300 met customer_update due 60; 60 cadence_missed customer_update #2 due 60 x1

== Order 1: nor is the next update missed before the opening, whatever was stated for it
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; -10 update_published customer next_update_at=@-5; 61 now
=> -10 met customer_update due 60; 60 cadence_missed customer_update #2 due 60 x1

== Order 1: a severity without a budget before the opening takes no time
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; -30 updated P3; -20 updated P1; 16 now
=> -30 cancelled acknowledge due 15 (no_target); 15 breached acknowledge due 15

== Order 2: ties go by sequence, none first
clocks: {acknowledge: {budget: {P1: 15m, P2: 10m}}}
0 opened P1; 5 updated P2 /2 :b; 5 updated P1 /1 :a; 12 acknowledged
=> 10 breached acknowledge due 10; 12 stopped_late acknowledge due 10

== Order 2: a sequence of digits is a number, whether it is padded or not
clocks: {acknowledge: {budget: {P1: 15m, P2: 10m, P3: 30m}}}
0 opened P1; 5 updated P1 /010 :a; 5 updated P2 /9 :b; 12 acknowledged
=> 12 met acknowledge due 15

== Order 2: any other sequence is text
clocks: {acknowledge: {budget: {P1: 15m, P2: 10m, P3: 30m}}}
0 opened P1; 5 updated P1 /1.10 :a; 5 updated P2 /1.9 :b; 12 acknowledged
=> 10 breached acknowledge due 10; 12 stopped_late acknowledge due 10

== Order 2: of the same time and sequence a stop comes before a change of attributes
picture: order-2
clocks: {acknowledge: {budget: {P0: 10m, P1: 60m}}}
0 opened P1; 20 acknowledged; 20 updated P0; 21 now
=> 20 met acknowledge due 60

== Order 2: a stop that arrives after a change of attributes of the same time comes before it
clocks: {acknowledge: {budget: {P0: 10m, P1: 60m}}}
0 opened P1; 20 updated P0; 20 acknowledged :a
=> 20 breached acknowledge due 10 (retarget); 20 retracted breached acknowledge due 10 (retarget) by a
=> 20 met acknowledge due 60

== Order 2: of the same time a pause comes before a resume, a resume before a start
clocks: {reply: {start: message_received, stop: message_sent, pause: [hold], budget: {P1: 60m}}}
0 opened P1; 10 message_received; 10 resumed hold; 10 paused hold; 71 now
=> 70 breached reply due 70

== Order 2: at the due time stops come before what else happens then
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 60 paused x; 60 resolved
=> 60 met resolve due 60

== Order 2: an assignment is a stop, so it comes before a pause of the same time
clocks: {contact: {budget: {P1: 30m}, pause: [any]}}
0 opened P1; 10 paused x; 10 assigned ann
=> 10 met contact due 30

== Order 2: of the same time, sequence and class the source and the id decide
clocks: {acknowledge: {budget: {P1: 15m, P2: 10m, P3: 30m}}}
0 opened P1; 5 updated P3 :b; 5 updated P2 :a; 31 now
=> 30 breached acknowledge due 30

== Order 3: triaged with a severity stops the triage clock first
picture: order-3
clocks: {triage: {budget: {P0: 5m, P2: 30m}}}
0 opened P2; 10 triaged P0
=> 10 met triage due 30

== Order 3: a second opened counts as updated
clocks: {acknowledge: {budget: {P0: 10m, P1: 60m}}}
0 opened P1; 5 opened P0; 11 now
=> 10 breached acknowledge due 10

== Order 3: an earlier opened that arrives later is the opening
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 20 now; -10 opened P1 :first
=> 15 breached acknowledge due 15; 5 amended breached acknowledge due 5 by first

== Order 4: the same source and id again changes nothing
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 acknowledged; 10 acknowledged ^12; 30 now
=> 10 met acknowledge due 15; !duplicate dropped

== Order 4: with other content the one recorded first stands
picture: order-4
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 acknowledged :a ^10; 5 acknowledged :a ^11
=> 10 met acknowledge due 15; !conflicting_duplicate

== Order 4: the one recorded first stands when it arrives second
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 acknowledged :a ^10; 5 acknowledged :a ^9
=> 10 met acknowledge due 15; 5 amended met acknowledge due 15 by a; !conflicting_duplicate

== Order 4: what came again was recorded when it was recorded first
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 acknowledged :a ^14; 10 acknowledged :a ^11; 5 acknowledged :a ^12
=> 10 met acknowledge due 15; !duplicate dropped; !conflicting_duplicate

== Order 4: an opening that turns out to be something else leaves the escalation waiting
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1 :o ^5; 16 now; 0 updated P1 :o ^4; 100 now
=> 15 breached acknowledge due 15; 15 retracted breached acknowledge due 15 by o; !conflicting_duplicate

== Order 5: a correction window after the end it leaves the state
picture: order-5
options: {correction_window: 100}
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 30 resolved; 40 closed; 140 now; 140.1 now
=> 30 met resolve due 60; counted forgotten

== Order 5: what is paused is owed still
options: {correction_window: 100}
clocks: {rca_final: {budget: {P1: 14d}, pause: [pending_vendor]}}
0 opened P1; 30 resolved; 40 paused pending_vendor; 500 now; 510 resumed pending_vendor; 520 rca_published final; 700 now
=> 520 met rca_final due 20660; counted forgotten

== Order 5: what is owed still keeps it
options: {correction_window: 100}
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 30 resolved; 500 now; 510 update_published customer; 610 now; 611 now
=> 60 cadence_missed customer_update due 60 x1; 120 cadence_missed customer_update due 120 x2
=> 180 cadence_missed customer_update due 180 x3; 240 cadence_missed customer_update due 240 x4
=> 300 cadence_missed customer_update due 300 x5; 360 cadence_missed customer_update due 360 x6
=> 420 cadence_missed customer_update due 420 x7; 480 cadence_missed customer_update due 480 x8
=> 510 stopped_late customer_update x8; counted forgotten

== Order 5: of what is told long after it happened the rest may be yet to come, so it stays for a day
clocks: {resolve: {budget: {P1: 60m}}}
-60000 opened P1 ^0; -59970 resolved ^0; 5 now; -59950 reopened ^6; 7 now
=> -59970 met resolve due -59940; -59920 breached resolve due -59920

== Order 5: and no longer
clocks: {resolve: {budget: {P1: 60m}}}
-60000 opened P1 ^0; -59970 resolved ^0; 1440 now; 1441 now
=> -59970 met resolve due -59940; counted forgotten

== Order 5: where time comes from the events it leaves by theirs, whenever they were recorded
options: {correction_window: 100, event_time: true}
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1 ^9000; 30 resolved ^9000; 40 closed ^9000; 200 updated ^9000
=> 30 met resolve due 60; counted forgotten

== Order 6: facts that arrive before their opening wait for it
picture: order-6
clocks: {acknowledge: {budget: {P1: 15m}}}
10 acknowledged; 50 now; 0 opened P1
=> 10 met acknowledge due 15

== Order 6: what came due meanwhile is said once the opening is there
clocks: {acknowledge: {budget: {P1: 15m}}}
20 acknowledged; 50 now; 0 opened P1
=> 15 breached acknowledge due 15; 20 stopped_late acknowledge due 15

== Order 6: not opened within a day is counted, once
clocks: {acknowledge: {budget: {P1: 15m}}}
10 acknowledged; 1450 now; 1451 now; 5000 message_sent; 9000 now
=> counted never_opened

== Order 6: what is told long after it happened waits for a day from then
clocks: {acknowledge: {budget: {P1: 15m}}}
-60000 acknowledged ^0; 5 now; 6 now; -60010 opened P1 ^7; 8 now
=> -60000 met acknowledge due -59995

== Order 6: with open_on_first_event the first fact opens it
options: {open_on_first_event: true}
default_severity: P1
clocks: {acknowledge: {budget: {P1: 15m}}, triage: {budget: {P1: 15m}}}
0 message_sent; 10 acknowledged; 16 now
=> 10 met acknowledge due 15; 15 breached triage due 15

== Order 6: with open_on_first_event the opened that follows is the opening
options: {open_on_first_event: true}
default_severity: P1
clocks: {triage: {budget: {P1: 15m, P2: 30m}}}
0 message_sent; 5 opened P2 :o; 36 now
=> 35 breached triage due 35

== Order 6: with open_on_first_event an earlier fact that arrives later is the opening
options: {open_on_first_event: true}
default_severity: P1
clocks: {triage: {budget: {P1: 15m}}}
0 message_sent; -10 message_sent; 6 now
=> 5 breached triage due 5

== Order 7: older facts fold into a checkpoint, and what is older than it is too late
picture: order-7
options: {fact_limit: 4}
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 10 paused x; 20 resumed x; 30 message_sent; 40 message_sent; 5 resolved :old; 75 now; 80 resolved
=> !too_late; 70 breached resolve due 70; 80 stopped_late resolve due 70

== Order 7: a late fact after the checkpoint is still judged in its place
options: {fact_limit: 4}
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 10 paused x; 20 resumed x; 30 message_sent; 40 message_sent; 75 now; 50 resolved :late
=> 70 breached resolve due 70; 70 retracted breached resolve due 70 by late; 50 met resolve due 70

== Order 7: a reopening is no part of the checkpoint before it
options: {fact_limit: 4}
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 5 message_sent; 10 resolved; 20 reopened; 30 message_sent; 15 message_sent :late; 71 now
=> 10 met resolve due 60; 70 breached resolve due 70

== Order 7: the last fact that was folded is not taken twice
options: {fact_limit: 4}
clocks: {reply: {start: message_received, stop: message_sent, budget: {P1: 60m}}}
0 opened P1; 10 message_received; 20 message_sent; 30 message_received; 40 message_received; 10 message_received
=> 20 met reply due 70; !too_late

== Order 7: folding is counted
options: {fact_limit: 2}
0 opened P1; 10 message_sent; 20 message_sent
=> counted folded

== Order 7: a promise made before the checkpoint is still kept after it
options: {fact_limit: 4}
0 opened P1; 10 commitment_made c1 due_at=@90; 20 message_sent; 30 message_sent; 40 message_sent; 35 message_sent :late; 95 commitment_kept c1
=> 90 commitment_missed commitment/c1 due 90; 95 stopped_late commitment/c1 due 90

== Order 7: a duplicate of what was kept is known
options: {fact_limit: 4}
0 opened P1; 10 message_sent; 20 message_sent; 30 message_sent; 40 message_sent; 30 message_sent
=> !duplicate dropped

== Saying 1: seq counts what has been said of the subject
picture: saying-1
show: seq
clocks: {acknowledge: {budget: {P1: 15m}}, resolve: {budget: {P1: 60m}}}
0 opened P1; 20 acknowledged; 30 resolved
=> 15 breached acknowledge due 15 seq 1; 20 stopped_late acknowledge due 15 seq 2; 30 met resolve due 60 seq 3

== Saying 2: a correction carries the outcome it corrects, what stands is what was said with corrections applied
show: seq corrects
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 20 acknowledged; 12 acknowledged :b
=> 15 breached acknowledge due 15 seq 1; 20 stopped_late acknowledge due 15 seq 2
=> 15 retracted breached acknowledge due 15 by b seq 3 corrects 1
=> 20 retracted stopped_late acknowledge due 15 by b seq 4 corrects 2; 12 met acknowledge due 15 seq 5

== Saying 2: what was amended may be amended again
picture: saying-2
show: seq corrects
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 14 acknowledged; 12 acknowledged :b; 10 acknowledged :c
=> 14 met acknowledge due 15 seq 1; 12 amended met acknowledge due 15 by b seq 2 corrects 1
=> 10 amended met acknowledge due 15 by c seq 3 corrects 2

== Saying 3: everything known before it is judged, no correction appears
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 acknowledged :late; 30 now
=> 10 met acknowledge due 15

== Saying 3: in order of arrival the corrections appear, and the same stands
picture: saying-3
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 30 now; 10 acknowledged :late
=> 15 breached acknowledge due 15; 15 retracted breached acknowledge due 15 by late; 10 met acknowledge due 15

== Saying 4: clock_started, paused and resumed are said where a setting asks
picture: saying-4
options: {say_movements: true}
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 10 paused x; 20 resumed x; 30 resolved
=> 0 clock_started resolve due 60; 10 paused resolve (x); 20 resumed resolve due 70 (x); 30 met resolve due 70

== Saying 4: by a version that a rebase moves it to as well
options: {say_movements: true}
--- standard
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
--- standard 20
clocks: {resolve: {budget: {P1: 90m}, pause: [any]}, acknowledge: {budget: {P1: 120m}}}
0 opened P1; 30 rebased standard 20; 40 paused x; 50 resumed x
=> 0 clock_started resolve due 60; 30 clock_started acknowledge due 120; 40 paused resolve (x); 50 resumed resolve due 100 (x)

== Saying 4: nothing but verdicts and warnings is said by default
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 10 paused x; 20 resumed x; 30 resolved
=> 30 met resolve due 70

== Completeness 1: behind, what is due is said at once, and provisionally
picture: completeness-1
clocks: {acknowledge: {budget: {P1: 15m}}, triage: {budget: {P1: 60m}}}
0 opened P1; 30 now behind=10; 20 triaged; 61 now
=> 15 breached acknowledge due 15 provisional; 20 met triage due 60

== Completeness 1: what was recorded by then is known, and so is what was due
clocks: {acknowledge: {budget: {P1: 15m}}, triage: {budget: {P1: 60m}}}
0 opened P1; 90 now behind=20
=> 15 breached acknowledge due 15; 60 breached triage due 60 provisional

== Completeness 1: what turns up takes it back
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 30 now behind=5; 12 acknowledged :read; 60 now
=> 15 breached acknowledge due 15 provisional
=> 15 retracted breached acknowledge due 15 by read; 12 met acknowledge due 15

== Completeness 2: or it is told to be unknown, once, and judged when its reader has caught up
picture: completeness-2
clocks: {acknowledge: {budget: {P1: 15m}}}
cadence: {customer: {every: {P1: 10m}}}
0 opened P1; 30 now behind=12 waits; 40 now behind=12 waits; 14 acknowledged behind=12 waits; 41 now
=> 10 cadence_missed customer_update due 10 x1; 15 source_behind acknowledge due 15; 20 source_behind customer_update due 20
=> 14 met acknowledge due 15
=> 20 cadence_missed customer_update due 20 x2; 30 cadence_missed customer_update due 30 x3; 40 cadence_missed customer_update due 40 x4

== Completeness 2: of what is not due by then nothing is told
clocks: {acknowledge: {budget: {P1: 15m}}, resolve: {budget: {P1: 90m}}}
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 2 commitment_made c1 due_at=@80; 3 action_opened a1 due_at=@70; 30 now behind=5 waits
=> 15 source_behind acknowledge due 15

== Completeness 2: with the time that it would have taken, on its calendar
show: elapsed target proof
clocks: {acknowledge: {budget: {P1: 25m @office}}}
cadence: {customer: {every: {P1: 30m @office}}}
0 opened P1; 2 commitment_made c1 due_at=@35; 40 now behind=5 waits
=> 25 source_behind acknowledge due 25 elapsed 25 target 25 proof office+versions; 30 source_behind customer_update due 30 elapsed 30 target 30 proof office+versions
=> 35 source_behind commitment/c1 due 35 elapsed 33 target 33 proof always+versions

== Completeness 2: what had been told to be unknown is not taken back
clocks: {acknowledge: {budget: {P1: 15m}}}
commitments: {risk: []}
0 opened P1; 2 commitment_made c1 due_at=@25; 30 now behind=10 waits; 40 now; 1 message_received :late; 50 now
=> 15 source_behind acknowledge due 15; 25 source_behind commitment/c1 due 25
=> 15 breached acknowledge due 15; 25 commitment_missed commitment/c1 due 25

== Completeness 2: its warnings wait as well
risk: [50%]
clocks: {acknowledge: {budget: {P1: 20m}}}
0 opened P1; 15 now behind=5 waits; 16 now
=> 10 breach_risk acknowledge due 20 50%
"""


@pytest.mark.parametrize("case", [pytest.param(case, id=case.rule) for case in cases(FACTS)])
def test_rule(case: Case) -> None:
    assert play(case) == case.expected
