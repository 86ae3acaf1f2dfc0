"""How cadences behave, a case a rule, in the notation of `case_notation`."""

# ruff: noqa: E501  # a line of facts stays a line

import pytest
from case_notation import Case, cases, play

CADENCES = """
== Cadence 1: it starts at the opening, and the first interval may be shorter
picture: cadence-1
cadence: {customer: {every: {P1: 60m}, first: {P1: 15m}}}
0 opened P1; 10 update_published customer; 71 now
=> 10 met customer_update due 15; 70 cadence_missed customer_update #2 due 70 x1

== Cadence 1: it starts at triage where the policy says so
cadence: {customer: {every: {P1: 60m}, start: triaged}}
0 opened P1; 30 triaged; 91 now
=> 90 cadence_missed customer_update due 90 x1

== Cadence 1: a first interval on another calendar ends by that one, and its time is told by that of the others
show: elapsed target
cadence: {customer: {every: {P1: 8h @office}, first: {P1: 24h}}}
0 opened P1; 1441 now
=> 1440 cadence_missed customer_update due 1440 x1 elapsed 480 target 480

== Cadence 1: only an update for that audience resets it
cadence: {customer: {every: {P1: 60m}}, internal: {every: {P1: 60m}}}
0 opened P1; 30 update_published internal; 40 message_sent; 61 now
=> 30 met internal_update due 60; 60 cadence_missed customer_update due 60 x1

== Cadence 1: a public message counts for the customer where the policy says so, an internal one never
cadence: {customer: {every: {P1: 60m}, message_counts: true}}
0 opened P1; 20 message_sent internal; 40 message_sent; 90 now
=> 40 met customer_update due 60

== Cadence 1: neither a reminder of ours nor an internal note resets it
risk: [50%]
cadence: {customer: {every: {P1: 60m}, message_counts: true}}
0 opened P1; 40 message_sent internal; 61 now
=> 30 breach_risk customer_update due 60 50%; 60 cadence_missed customer_update due 60 x1

== Cadence 2: severity up is due at now + the new interval, if sooner
picture: cadence-2
cadence: {customer: {every: {P0: 30m, P1: 120m}}}
0 opened P1; 20 updated P0; 51 now
=> 50 cadence_missed customer_update due 50 x1

== Cadence 2: severity up never loosens
cadence: {customer: {every: {P0: 30m, P1: 60m}}}
0 opened P1; 50 updated P0; 61 now
=> 60 cadence_missed customer_update due 60 x1

== Cadence 2: severity down counts from the last update
picture: cadence-2-down
cadence: {customer: {every: {P1: 30m, P2: 120m}}}
0 opened P1; 20 update_published customer; 40 updated P2; 141 now
=> 20 met customer_update due 30; 140 cadence_missed customer_update #2 due 140 x1

== Cadence 2: severity down before the first update counts from the start, with first
cadence: {customer: {every: {P1: 30m, P2: 120m}, first: {P1: 15m, P2: 60m}}}
0 opened P1; 10 updated P2; 61 now
=> 60 cadence_missed customer_update due 60 x1

== Cadence 2: severity down, only due times after the change count
cadence: {customer: {every: {P1: 120m, P2: 50m}}}
0 opened P1; 110 updated P2; 151 now
=> 150 cadence_missed customer_update due 150 x1

== Cadence 2: severity down at the very instant of a due time, the next one counts
cadence: {customer: {every: {P1: 120m, P2: 50m}}}
0 opened P1; 50 updated P2; 101 now
=> 100 cadence_missed customer_update due 100 x1

== Cadence 2: severity down at the very instant of a stated time, it binds no more
cadence: {customer: {every: {P1: 60m, P2: 120m}}}
0 opened P1; 10 update_published customer next_update_at=@40; 40 updated P2; 131 now
=> 10 met customer_update due 60; 130 cadence_missed customer_update #2 due 130 x1

== Cadence 2: severity down, a stated time that did not loosen does not loosen now
cadence: {customer: {every: {P1: 60m, P2: 120m}}}
0 opened P1; 10 update_published customer next_update_at=@300; 20 updated P2; 131 now
=> 10 met customer_update due 60; 130 cadence_missed customer_update #2 due 130 x1

== Cadence 2: severity down where a stated time may loosen and none was stated
cadence: {customer: {every: {P1: 30m, P2: 120m}, loosen_up_to: 10h}}
0 opened P1; 20 updated P2; 121 now
=> 120 cadence_missed customer_update due 120 x1

== Cadence 2: due at the same instant by another calendar, its time is told by that one
show: elapsed target
cadence: {customer: {every: {P1: 24h, P2: 8h @office}}}
0 opened P1; 10 updated P2; 1441 now
=> 1440 cadence_missed customer_update due 1440 x1 elapsed 480 target 480

== Cadence 2: and its warnings are those of that one, none of them of before the change
risk: [25%, 50%]
cadence: {customer: {every: {P1: 4h @office}, first: {P1: 40m}}}
600 opened P1; 615 updated P0; 641 now       # in closed hours; P0 owes none, and what is due stays
=> 615 breach_risk customer_update due 640 25%; 620 breach_risk customer_update due 640 50%
=> 640 cadence_missed customer_update due 640 x1

== Cadence 2: severity down, a stated time still binds
cadence: {customer: {every: {P1: 60m, P2: 120m}}}
0 opened P1; 10 update_published customer next_update_at=@40; 20 updated P2; 41 now
=> 10 met customer_update due 60; 40 cadence_missed customer_update #2 due 40 x1

== Cadence 2: a rebase to a shorter interval is a severity up, now + the new interval if sooner
--- standard
cadence: {customer: {every: {P1: 60m}}}
--- standard 20
cadence: {customer: {every: {P1: 20m}}}
0 opened P1; 30 rebased standard 20; 75 now
=> 50 cadence_missed customer_update due 50 x1; 70 cadence_missed customer_update due 70 x2

== Cadence 2: a rebase to a longer interval is a severity down, the last update + the new interval
--- standard
cadence: {customer: {every: {P1: 20m}}}
--- standard 20
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer; 25 rebased standard 20; 71 now
=> 10 met customer_update due 20; 70 cadence_missed customer_update #2 due 70 x1

== Cadence 2: before the first update it is the first interval that a rebase makes longer or shorter
--- standard
cadence: {customer: {every: {P1: 60m}, first: {P1: 15m}}}
--- standard 20
cadence: {customer: {every: {P1: 20m}, first: {P1: 40m}}}
0 opened P1; 5 rebased standard 20; 41 now; 50 update_published customer; 71 now
=> 40 cadence_missed customer_update due 40 x1; 50 stopped_late customer_update x1; 70 cadence_missed customer_update #2 due 70 x1

== Cadence 2: the first interval alone may be another, before the first update it counts
--- standard
cadence: {customer: {every: {P1: 60m}, first: {P1: 15m}}}
--- standard 20
cadence: {customer: {every: {P1: 60m}, first: {P1: 40m}}}
0 opened P1; 5 rebased standard 20; 41 now
=> 40 cadence_missed customer_update due 40 x1

== Cadence 2: so may all others, after it they count
--- standard
cadence: {customer: {every: {P1: 60m}, first: {P1: 15m}}}
--- standard 20
cadence: {customer: {every: {P1: 20m}, first: {P1: 40m}}}
0 opened P1; 10 update_published customer; 20 rebased standard 20; 41 now
=> 10 met customer_update due 15; 40 cadence_missed customer_update #2 due 40 x1

== Cadence 2: and after a reopening that comes before it
--- standard
cadence: {customer: {every: {P1: 60m}, first: {P1: 15m}}}
--- standard 20
cadence: {customer: {every: {P1: 30m}, first: {P1: 40m}}}
0 opened P1; 5 resolved; 10 reopened; 20 rebased standard 20; 51 now
=> 50 cadence_missed customer_update due 50 x1

== Cadence 2: a rebase that leaves the interval as it is leaves its due time, a stated one binds
--- standard
cadence: {customer: {every: {P1: 60m}, risk: [50%]}}
--- standard 20
cadence: {customer: {every: {P1: 1h}, risk: [25%, 40%, 75%]}}
0 opened P1; 10 update_published customer next_update_at=@50; 35 rebased standard 20; 51 now
=> 10 met customer_update due 60; 30 breach_risk customer_update #2 due 50 50%; 40 breach_risk customer_update #2 due 50 75%; 50 cadence_missed customer_update #2 due 50 x1

== Cadence 2: and one that a severity up had led to
--- standard
cadence: {customer: {every: {P1: 60m, P2: 120m}}}
--- standard 20
cadence: {customer: {every: {P1: 60m, P2: 120m}}}
clocks: {resolve: {budget: {P1: 900m}}}
0 opened P2; 20 updated P1; 30 rebased standard 20; 81 now
=> 80 cadence_missed customer_update due 80 x1

== Cadence 2: a cadence that a rebase adds misses nothing of before it
--- standard
clocks: {resolve: {budget: {P1: 900m}}}
--- standard 20
cadence: {customer: {every: {P1: 20m}}}
clocks: {resolve: {budget: {P1: 900m}}}
0 opened P1; 30 update_published customer; 75 rebased standard 20; 95 update_published customer
=> 90 cadence_missed customer_update #2 due 90 x1; 95 stopped_late customer_update #2 x1

== Cadence 2: what a rebase adds counts on its own calendar since the last update or the opening
--- standard
clocks: {resolve: {budget: {P1: 900m}}}
--- standard 395
cadence: {customer: {every: {P1: 60m @office}}}
clocks: {resolve: {budget: {P1: 900m}}}
show: elapsed target
390 opened P1; 400 rebased standard 395; 1411 now
=> 1290 breached resolve due 1290 elapsed 900 target 900; 1410 cadence_missed customer_update due 1410 x1 elapsed 60 target 60

== Cadence 3: a stated time tightens
picture: cadence-3
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer next_update_at=@30; 31 now
=> 10 met customer_update due 60; 30 cadence_missed customer_update #2 due 30 x1

== Cadence 3: a stated time that lies before the opening binds nothing
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; -10 update_published customer next_update_at=@-5; 61 now
=> -10 met customer_update due 60; 60 cadence_missed customer_update #2 due 60 x1

== Cadence 3: without an interval it binds as it is, where it may loosen one, too
cadence: {customer: {every: {P0: 30m}, loosen_up_to: 60m}}
0 opened P1; 10 update_published customer next_update_at=@300; 301 now
=> 300 cadence_missed customer_update #2 due 300 x1

== Cadence 3: a stated time does not loosen
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer next_update_at=@300; 71 now
=> 10 met customer_update due 60; 70 cadence_missed customer_update #2 due 70 x1

== Cadence 3: a stated time in the past is ignored and counted, the update itself counts
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer next_update_at=@5; 69 now
=> 10 met customer_update due 60; counted past_next_update

== Cadence 3: so is one of the very instant of the update
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer next_update_at=@10; 71 now
=> 10 met customer_update due 60; counted past_next_update; 70 cadence_missed customer_update #2 due 70 x1

== Cadence 3: a stated time in the past is counted once, however often it is derived again
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer next_update_at=@5; 20 message_sent; 15 message_sent :late
=> 10 met customer_update due 60; counted past_next_update; counted late

== Cadence 3: a stated time in the past is counted though its update comes late, one that was ahead is not
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 40 message_sent; 10 update_published customer next_update_at=@5; 20 update_published customer next_update_at=@65
=> 10 met customer_update due 60; counted late; counted past_next_update; 20 met customer_update #2 due 70; counted late

== Cadence 3: it loosens where the policy allows it, up to the cap
cadence: {customer: {every: {P1: 60m}, loosen_up_to: 4h}}
0 opened P1; 10 update_published customer next_update_at=@100; 20 now; 90 update_published customer next_update_at=@9000; 331 now
=> 10 met customer_update due 60; 90 met customer_update #2 due 100; 330 cadence_missed customer_update #3 due 330 x1

== Cadence 3: a cap that is shorter than the interval makes nothing stricter
cadence: {customer: {every: {P1: 60m}, loosen_up_to: 20m}}
0 opened P1; 10 update_published customer next_update_at=@50; 45 update_published customer next_update_at=@200; 106 now
=> 10 met customer_update due 60; 45 met customer_update #2 due 50; 105 cadence_missed customer_update #3 due 105 x1

== Cadence 3: severity down does not tighten a time that was allowed to loosen
cadence: {customer: {every: {P1: 60m, P2: 120m}, loosen_up_to: 10h}}
0 opened P1; 10 update_published customer next_update_at=@300; 20 updated P2; 301 now
=> 10 met customer_update due 60; 300 cadence_missed customer_update #2 due 300 x1

== Cadence 4: every interval that passes in silence is one miss, until an update comes
picture: cadence-4
cadence: {customer: {every: {P1: 60m}, first: {P1: 15m}}}
0 opened P1; 140 now; 150 update_published customer; 200 now
=> 15 cadence_missed customer_update due 15 x1; 75 cadence_missed customer_update due 75 x2
=> 135 cadence_missed customer_update due 135 x3; 150 stopped_late customer_update x3

== Cadence 4: a miss says the time that was owed, one after it all the time since the last update
show: elapsed target
cadence: {customer: {every: {P1: 60m}, first: {P1: 15m}}}
0 opened P1; 80 now; 90 update_published customer; 140 update_published customer
=> 15 cadence_missed customer_update due 15 x1 elapsed 15 target 15; 75 cadence_missed customer_update due 75 x2 elapsed 75 target 75
=> 90 stopped_late customer_update x2 elapsed 90; 140 met customer_update #2 due 150 elapsed 50 target 60

== Cadence 4: from a stated time the misses go on at the interval
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer next_update_at=@30; 95 now
=> 10 met customer_update due 60; 30 cadence_missed customer_update #2 due 30 x1; 90 cadence_missed customer_update #2 due 90 x2

== Cadence 4: an update exactly at the due time is in time
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 60 update_published customer
=> 60 met customer_update due 60

== Cadence 4: without every, only stated times bind
cadence: {executive: {every: {P0: 30m}}}
0 opened P1; 100 update_published executive next_update_at=@120; 300 now
=> 120 cadence_missed executive_update #2 due 120 x1

== Cadence 4: thresholds warn before the interval ends, not between misses
risk: [50%]
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 130 now
=> 30 breach_risk customer_update due 60 50%; 60 cadence_missed customer_update due 60 x1; 120 cadence_missed customer_update due 120 x2

== Cadence 4: of the warnings that a severity up overtakes the highest is given, those after it in their turn
show: target
risk: [10%, 25%, 50%, 75%]
cadence: {customer: {every: {P0: 30m, P1: 120m}}}
0 opened P1; 55 updated P0; 86 now
=> 12 breach_risk customer_update due 120 10% target 120; 30 breach_risk customer_update due 120 25% target 120
=> 55 breach_risk customer_update due 85 50% target 85; 63.75 breach_risk customer_update due 85 75% target 85
=> 85 cadence_missed customer_update due 85 x1 target 85

== Cadence 4: a late update does not erase the miss, and the next interval counts anew
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 70 update_published customer; 131 now
=> 60 cadence_missed customer_update due 60 x1; 70 stopped_late customer_update x1; 130 cadence_missed customer_update #2 due 130 x1

== Cadence 5: after the resolution one more update is owed
picture: cadence-5
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 30 resolved; 50 update_published customer; 200 now
=> 50 met customer_update due 60

== Cadence 5: the update that is owed after the resolution can be missed
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 30 resolved; 61 now; 70 update_published customer; 200 now
=> 60 cadence_missed customer_update due 60 x1; 70 stopped_late customer_update x1

== Cadence 5: an update at the instant of the resolution is that one, whichever sorts first
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 30 update_published customer /1; 30 resolved /2; 200 now
=> 30 met customer_update due 60

== Cadence 5: closing ends it
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 30 resolved; 40 closed; 200 now
=> nothing

== Cadence 5: closing ends what was warned of or missed, and says so; a reopen begins the next cycle
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer; 30 resolved; 71 now; 80 closed; 100 reopened; 161 now
=> 10 met customer_update due 60; 70 cadence_missed customer_update #2 due 70 x1; 80 cancelled customer_update #2 due 130 (closed); 160 cadence_missed customer_update #3 due 160 x1

== Cadence 5: warned of before any update, closed, and reopened
risk: [75%]
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 46 now; 50 closed; 100 reopened; 110 update_published customer; 200 now
=> 45 breach_risk customer_update due 60 75%; 50 cancelled customer_update due 60 (closed); 110 met customer_update #2 due 160; 155 breach_risk customer_update #3 due 170 75%; 170 cadence_missed customer_update #3 due 170 x1

== Cadence 5: warned of, then less grave, then closed
risk: [75%]
cadence: {customer: {every: {P1: 60m, P2: 120m}}}
0 opened P1; 46 now; 50 updated P2; 60 closed; 300 now
=> 45 breach_risk customer_update due 60 75%; 60 cancelled customer_update due 120 (closed)

== Cadence 5: what was warned of and answered is over, and closing says nothing
risk: [75%]
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 50 update_published customer; 55 closed; 300 now
=> 45 breach_risk customer_update due 60 75%; 50 met customer_update due 60

== Cadence 5: warned of, then owed by no severity: the update or the closing ends it
risk: [75%]
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 46 now; 50 updated P3; 55 update_published customer; 60 closed; 300 now
=> 45 breach_risk customer_update due 60 75%; 55 cancelled customer_update (no_target)

== Cadence 5: missed, then owed by no severity, and closed
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 61 now; 70 updated P3; 80 closed; 300 now
=> 60 cadence_missed customer_update due 60 x1; 80 cancelled customer_update (closed)

== Cadence 5: a reopen starts it again at reopen + every, first is only for the first update after the opening
picture: cadence-5-reopen
cadence: {customer: {every: {P1: 60m}, first: {P1: 15m}}}
0 opened P1; 10 update_published customer; 20 resolved; 30 update_published customer; 100 reopened; 161 now
=> 10 met customer_update due 15; 30 met customer_update #2 due 70; 160 cadence_missed customer_update #3 due 160 x1

== Cadence 5: reopened it owes more than one update again
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 resolved; 20 reopened; 30 update_published customer; 91 now
=> 30 met customer_update due 80; 90 cadence_missed customer_update #2 due 90 x1

== Cadence 5: closed without any update, a reopen begins the next cycle; resolved, the interval that runs is the same
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 closed; 20 reopened; 30 resolved; 40 reopened; 101 now
=> 100 cadence_missed customer_update #2 due 100 x1

== Cadence 5: after a reopen a downgrade takes every, not first
cadence: {customer: {every: {P1: 60m, P2: 90m}, first: {P1: 50m, P2: 70m}}}
0 opened P1; 20 resolved; 30 reopened; 40 updated P2; 121 now
=> 120 cadence_missed customer_update due 120 x1

== Cadence 5: resolved before triage owes nothing, a triage after the reopen starts it in full
cadence: {customer: {every: {P1: 60m}, start: triaged}}
0 opened P1; 10 resolved; 20 reopened; 30 triaged; 40 update_published customer; 101 now
=> 40 met customer_update due 90; 100 cadence_missed customer_update #2 due 100 x1

== Cadence 5: triaged while it was resolved, it begins with the reopening
cadence: {customer: {every: {P1: 60m}, start: triaged}}
0 opened P1; 10 resolved; 20 triaged; 30 reopened; 91 now
=> 90 cadence_missed customer_update due 90 x1

== Cadence 5: it runs on its own calendar
cadence: {customer: {every: {P1: 8h @office}}}
0 opened P1; 1441 now
=> 1440 cadence_missed customer_update due 1440 x1

== Cadence 5: after a reopen an upgrade takes now + every
cadence: {customer: {every: {P0: 20m, P1: 60m}, first: {P0: 5m, P1: 15m}}}
0 opened P1; 5 resolved; 10 reopened; 20 updated P0; 41 now
=> 40 cadence_missed customer_update due 40 x1

== Cadence 6: an update on the linked incident settles the ticket's interval, its stated time binds
picture: cadence-6
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 40 relayed_update next_update_at=@70; 71 now
=> 40 met customer_update due 60; 70 cadence_missed customer_update #2 due 70 x1

== Cadence 6: customer updates are passed on while the ticket is linked, no others
show: relays
cadence: {}
0 opened P1; 5 update_published customer; 10 linked desk:2; 20 update_published customer next_update_at=@90
25 update_published internal; 30 linked desk:3; 40 update_published customer; 50 unlinked desk:2; 60 update_published customer
=> 20 relayed_update -> desk:2 next_update_at=@90; 40 relayed_update -> desk:2; 40 relayed_update -> desk:3; 60 relayed_update -> desk:3

== Cadence 6: a link that is told late passes on what was published since, one that ends earlier takes it back
show: relays
cadence: {}
0 opened P1; 20 update_published customer; 40 update_published customer; 10 linked desk:2; 30 unlinked desk:2
=> 20 relayed_update -> desk:2; 40 relayed_update -> desk:2; 40 relayed_update -> desk:2 v2 withdrawn

== Cadence 6: what was taken back is passed on again where it is wanted again
show: relays
cadence: {}
0 opened P1; 10 linked desk:2; 40 update_published customer; 30 unlinked desk:2; 35 linked desk:2 :again
=> 40 relayed_update -> desk:2; 40 relayed_update -> desk:2 v2 withdrawn; 40 relayed_update -> desk:2 v3

== Cadence 6: an update that turns out to say another time is passed on anew
show: relays
cadence: {}
0 opened P1; 10 linked desk:2; 20 update_published customer next_update_at=@60 :u ^25; 30 update_published customer :u ^24
=> 20 relayed_update -> desk:2 next_update_at=@60; 30 relayed_update -> desk:2 v2; !conflicting_duplicate

== Cadence 6: what is passed on is not passed on again, nor to oneself
show: relays
cadence: {}
0 opened P1; 10 linked desk:2; 12 linked desk:1; 20 relayed_update; 30 update_published customer
=> 30 relayed_update -> desk:2

== Cadence 6: it answers the customer for the first time, as an update of one's own does
clocks: {first_response: {budget: {P1: 60m}}}
0 opened P1; 40 relayed_update
=> 40 met first_response due 60

== Cadence 6: it is late as any fact may be, and what was said is corrected
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 61 now; 40 relayed_update :r
=> 60 cadence_missed customer_update due 60 x1; 60 retracted cadence_missed customer_update due 60 x1 by r; 40 met customer_update due 60

== Cadence 6: what is taken back counts no more
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 40 relayed_update :r; 40 relayed_update v2 withdrawn :r; 61 now
=> 40 met customer_update due 60; 40 retracted met customer_update due 60 by r; 60 cadence_missed customer_update due 60 x1

== Cadence 6: of an update that is passed on the highest version counts, whichever comes first
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 50 relayed_update v3 :r; 40 relayed_update v2 withdrawn :r; 40 relayed_update :r; 61 now
=> 50 met customer_update due 60; !duplicate dropped; !duplicate dropped

== Cadence 6: it waits for the opening, and opens nothing
options: {open_on_first_event: true}
cadence: {customer: {every: {P2: 60m}}}
10 relayed_update; 20 message_sent; 40 relayed_update :later; 101 now
=> 10 met customer_update due 80; 40 met customer_update #2 due 80; 100 cadence_missed customer_update #3 due 100 x1

== Cadence 6: gone, it passes on nothing more
show: relays
cadence: {}
0 opened P1; 10 linked desk:2; 20 cancelled spam; 30 update_published customer
=> nothing
"""


@pytest.mark.parametrize("case", [pytest.param(case, id=case.rule) for case in cases(CADENCES)])
def test_rule(case: Case) -> None:
    assert play(case) == case.expected
