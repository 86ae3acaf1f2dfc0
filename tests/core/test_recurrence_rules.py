"""How patterns of escalations behave, a case a rule, in the notation of `case_notation`."""

# ruff: noqa: E501  # a line of facts stays a line

import pytest
from case_notation import Case, cases, play

RECURRENCE = """
== Recurrence 4: a fingerprint that is given names the pattern
show: relays
recurrence: {fingerprint: [service], window: 90d, flag_within: 30d}
0 opened P1 fingerprint=disk service=mail
=> 0 occurrence -> pattern:disk

== Recurrence 4: else it is made of the policy's fields
show: relays
recurrence: {fingerprint: [service, title], window: 90d, flag_within: 30d}
0 opened P1 service=Mail title=Down
=> 0 occurrence -> pattern:mail-down-82af33069e26

== Recurrence 4: where one of the fields is unknown there is none yet
show: relays
recurrence: {fingerprint: [service, component], window: 90d, flag_within: 30d}
0 opened P1 service=mail; 10 updated component=smtp
=> 0 occurrence -> pattern:mail-smtp-8f3ed58f0c5e

== Recurrence 4: a policy without the section makes none
show: relays
clocks: {}
0 opened P1 fingerprint=disk
=> nothing

== Recurrence 4: another fingerprint withdraws it from the one pattern and passes it on to the other
show: relays
recurrence: {fingerprint: [service], window: 90d, flag_within: 30d}
0 opened P1 fingerprint=disk; 10 updated fingerprint=net; 20 updated fingerprint=disk; 30 updated P0
=> 0 occurrence -> pattern:disk
=> 0 occurrence -> pattern:net; 0 occurrence -> pattern:disk v2 withdrawn
=> 0 occurrence -> pattern:disk v3; 0 occurrence -> pattern:net v2 withdrawn

== Recurrence 4: cancelled or merged it is none any more
show: relays
recurrence: {fingerprint: [service], window: 90d, flag_within: 30d}
0 opened P1 fingerprint=disk; 10 cancelled spam; 20 updated fingerprint=net
=> 0 occurrence -> pattern:disk; 0 occurrence -> pattern:disk v2 withdrawn

== Recurrence 4: moved to a version without the section it stays what it was an occurrence of
--- standard
recurrence: {fingerprint: [service], window: 90d, flag_within: 30d}
--- standard 20
clocks: {}
show: relays
0 opened P1 fingerprint=disk; 30 rebased standard 20; 40 updated fingerprint=net; 50 resolved
=> 0 occurrence -> pattern:disk

== Recurrence 4: and is none any more when it is cancelled then
--- standard
recurrence: {fingerprint: [service], window: 90d, flag_within: 30d}
--- standard 20
clocks: {}
show: relays
0 opened P1 fingerprint=disk; 30 rebased standard 20; 40 cancelled spam
=> 0 occurrence -> pattern:disk; 0 occurrence -> pattern:disk v2 withdrawn

== Recurrence 4: moved to a version with the section it is an occurrence, as of its opening
--- standard
clocks: {}
--- standard 20
recurrence: {fingerprint: [service], window: 90d, flag_within: 30d}
show: relays
0 opened P1 fingerprint=disk; 30 rebased standard 20
=> 0 occurrence -> pattern:disk

== Recurrence 4: a merged one counts by its survivor
show: relays
recurrence: {fingerprint: [service], window: 90d, flag_within: 30d}
0 opened P1 fingerprint=disk; 10 merged desk:2
=> 0 occurrence -> pattern:disk
=> 10 contact_inherited -> desk:2 contact_at=@0; 0 occurrence -> pattern:disk v2 withdrawn

== Recurrence 4: a late event that names another pattern takes the occurrence back
show: relays
recurrence: {fingerprint: [service], window: 90d, flag_within: 30d}
0 opened P1 fingerprint=disk; 30 acknowledged; 20 updated fingerprint=net
=> 0 occurrence -> pattern:disk
=> 0 occurrence -> pattern:net; 0 occurrence -> pattern:disk v2 withdrawn

== Recurrence 4: the second occurrence inside the window is a recurrence, to be flagged in time
picture: recurrence-4
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m, notify: [product, operations]}
0 occurrence desk:1; 90 occurrence desk:2; 160 now
=> 90 recurrence_detected flag_recurrence due 150 of desk:1,desk:2 -> product,operations
=> 150 breached flag_recurrence due 150

== Recurrence 4: outside of the window it is the first again
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1; 120 occurrence desk:2; 130 occurrence desk:3; 140 now
=> 130 recurrence_detected flag_recurrence due 190 of desk:2,desk:3

== Recurrence 4: more of them while it is owed change nothing, and it warns as the policy says
risk: [50%]
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1; 10 occurrence desk:2; 20 occurrence desk:3; 30 recurrence_flagged; 80 now
=> 10 recurrence_detected flag_recurrence due 70 of desk:1,desk:2; 30 met flag_recurrence due 70

== Recurrence 4: at risk at the policy's thresholds, and flagged late
show: elapsed
risk: [50%]
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1; 10 occurrence desk:2; 100 recurrence_flagged
=> 10 recurrence_detected flag_recurrence due 70 of desk:1,desk:2 elapsed 0; 40 breach_risk flag_recurrence due 70 50% elapsed 30
=> 70 breached flag_recurrence due 70 elapsed 60; 100 stopped_late flag_recurrence due 70 elapsed 90

== Recurrence 4: flagged, and back again: a new cycle
picture: recurrence-4-again
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1; 10 occurrence desk:2; 30 recurrence_flagged; 60 occurrence desk:3; 90 recurrence_flagged :again
=> 10 recurrence_detected flag_recurrence due 70 of desk:1,desk:2; 30 met flag_recurrence due 70
=> 60 recurrence_detected flag_recurrence #2 due 120 of desk:1,desk:2,desk:3; 90 met flag_recurrence #2 due 120

== Recurrence 4: flagged and all gone from the window, the next is the first again
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1; 10 occurrence desk:2; 30 recurrence_flagged; 200 occurrence desk:3; 300 now
=> 10 recurrence_detected flag_recurrence due 70 of desk:1,desk:2; 30 met flag_recurrence due 70

== Recurrence 4: an occurrence that is withdrawn never was one
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1; 10 occurrence desk:2 :b; 80 now; 10 occurrence desk:2 v2 withdrawn :b; 200 now
=> 10 recurrence_detected flag_recurrence due 70 of desk:1,desk:2; 70 breached flag_recurrence due 70
=> 10 retracted recurrence_detected flag_recurrence due 70 of desk:1,desk:2 by b; 70 retracted breached flag_recurrence due 70 by b

== Recurrence 4: one that comes late moves the recurrence to when it was
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1; 50 occurrence desk:3; 20 occurrence desk:2 :late
=> 50 recurrence_detected flag_recurrence due 110 of desk:1,desk:3
=> 20 amended recurrence_detected flag_recurrence due 80 of desk:1,desk:2 by late

== Recurrence 4: an earlier one that comes late opens the pattern anew
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
50 occurrence desk:2; 20 occurrence desk:1 :late
=> 50 recurrence_detected flag_recurrence due 110 of desk:1,desk:2

== Recurrence 4: all withdrawn, nothing is left of it, and what waits for it waits again
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1 :a; 10 recurrence_flagged; 0 occurrence desk:1 v2 withdrawn :a; 20 occurrence desk:2; 30 occurrence desk:3
=> 30 recurrence_detected flag_recurrence due 90 of desk:2,desk:3

== Recurrence 4: the flag that comes before the occurrences waits for them
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
40 recurrence_flagged; 0 occurrence desk:1; 10 occurrence desk:2
=> 10 recurrence_detected flag_recurrence due 70 of desk:1,desk:2; 40 met flag_recurrence due 70

== Recurrence 4: a pattern is as grave as the gravest of its members
show: severity
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1 severity=P3; 10 occurrence desk:2 severity=P0; 20 occurrence desk:3 severity=P2; 30 recurrence_flagged
=> 10 recurrence_detected flag_recurrence due 70 of desk:1,desk:2 P0; 30 met flag_recurrence due 70 P0

== Recurrence 4: waived, nothing is owed and nothing is said
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1; 5 waived flag_recurrence reason=known; 10 occurrence desk:2; 100 now
=> 5 waived flag_recurrence (known)

== Recurrence 4: a pattern has promises and actions as an escalation has
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1; 10 action_opened a1 title=replace due_at=@60; 50 action_completed a1
=> 50 met action/a1 due 60

== Recurrence 4: when its occurrences have left the window and nothing is owed, it leaves the state
options: {correction_window: 10}
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1; 10 occurrence desk:2; 30 recurrence_flagged; 138 now; 142 now
=> 10 recurrence_detected flag_recurrence due 70 of desk:1,desk:2; 30 met flag_recurrence due 70; counted forgotten

== Recurrence 4: until then it stays, and the next of them joins the others
options: {correction_window: 10}
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1; 10 occurrence desk:2; 30 recurrence_flagged; 100 now; 110 occurrence desk:3; 120 recurrence_flagged
=> 10 recurrence_detected flag_recurrence due 70 of desk:1,desk:2; 30 met flag_recurrence due 70; 110 recurrence_detected flag_recurrence #2 due 170 of desk:1,desk:2,desk:3; 120 met flag_recurrence #2 due 170

== Recurrence 4: a flag that is owed keeps it
options: {correction_window: 10}
recurrence: {fingerprint: [service], window: 2h, flag_within: 60m}
0 occurrence desk:1; 10 occurrence desk:2; 300 now; 310 recurrence_flagged
=> 10 recurrence_detected flag_recurrence due 70 of desk:1,desk:2; 70 breached flag_recurrence due 70; 310 stopped_late flag_recurrence due 70
"""


@pytest.mark.parametrize("case", [pytest.param(case, id=case.rule) for case in cases(RECURRENCE)])
def test_rule(case: Case) -> None:
    assert play(case) == case.expected
