"""How clocks behave, a case a rule, in the notation of `case_notation`."""

# ruff: noqa: E501  # a line of facts stays a line

import pytest
from case_notation import Case, cases, play

CLOCKS = """
== Clock 1: a stop exactly at the due time is met
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 15 acknowledged; 99 now
=> 15 met acknowledge due 15

== Clock 1: a breach takes effect at the due time, whenever it was detected
picture: clock-1
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 600 now
=> 15 breached acknowledge due 15

== Clock 1: it runs while its calendar is open
picture: clock-1-calendar
clocks: {resolve: {budget: {P1: 8h @office}}}
0 opened P1; 1440 now; 1441 resolved
=> 1440 breached resolve due 1440; 1441 stopped_late resolve due 1440

== Clock 1: intervals are half-open, a stop one second after the due time is late
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 15.02 acknowledged
=> 15 breached acknowledge due 15; 15.02 stopped_late acknowledge due 15

== Clock 2: pause is a set of reasons, the clock runs when the set is empty
picture: clock-2
clocks: {resolve: {budget: {P1: 60m}, pause: [pending_customer, pending_vendor]}}
0 opened P1; 10 paused pending_customer; 20 paused pending_vendor; 30 resumed pending_customer; 40 resumed pending_vendor; 91 now
=> 90 breached resolve due 90

== Clock 2: the same reason twice is one reason
clocks: {resolve: {budget: {P1: 60m}, pause: [pending_customer]}}
0 opened P1; 10 paused pending_customer; 20 paused pending_customer; 30 resumed pending_customer; 80 resolved
=> 80 met resolve due 80

== Clock 2: resumed without a reason ends them all
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 10 paused a; 20 paused b; 30 resumed; 81 now
=> 80 breached resolve due 80

== Clock 2: nothing pauses unless the policy says so
clocks: {resolve: {budget: {P1: 60m}}, first_response: {budget: {P1: 30m}}}
0 opened P1; 10 paused pending_customer; 70 now
=> 30 breached first_response due 30; 60 breached resolve due 60

== Clock 2: paused time counts in the clock's own calendar
picture: clock-2-calendar
clocks: {resolve: {budget: {P1: 8h @office}, pause: [any]}}
0 opened P1; 300 paused x; 1500 resumed x; 1700 now      # 10:00-15:00, then from 11:00 of the next day
=> 1680 breached resolve due 1680

== Clock 2: created while paused starts paused
clocks: {vendor_reply: {start: message_received, stop: message_sent, pause: [hold], budget: {P1: 30m}}}
0 opened P1; 10 paused hold; 20 message_received; 100 resumed hold; 131 now
=> 130 breached vendor_reply due 130

== Clock 2: pausing never un-breaches
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 70 paused x; 80 resumed x; 90 resolved
=> 60 breached resolve due 60; 90 stopped_late resolve due 60

== Clock 2: a reason that the policy does not name holds nothing
clocks: {resolve: {budget: {P1: 60m}, pause: [pending_customer]}}
0 opened P1; 10 paused pending_vendor; 61 now
=> 60 breached resolve due 60

== Clock 2: opened while a pause is in force, the clock starts paused
clocks: {resolve: {budget: {P1: 60m}, pause: [hold]}}
0 opened P1; -5 paused hold; 100 resumed hold; 165 now
=> 160 breached resolve due 160

== Clock 2: first response pauses where the policy says so
clocks: {first_response: {budget: {P1: 30m}, pause: [pending_customer]}}
0 opened P1; 10 paused pending_customer; 40 resumed pending_customer; 61 now
=> 60 breached first_response due 60

== Clock 3: next response arms only after the first response
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_received; 10 message_sent; 20 message_received; 51 now
=> 50 breached next_response due 50

== Clock 3: later messages do not reset it, a public reply ends it, the next message is the next cycle
picture: clock-3
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 message_received; 30 message_received; 45 message_sent; 60 message_received; 70 message_sent
=> 40 breached next_response due 40; 45 stopped_late next_response due 40; 70 met next_response #2 due 90

== Clock 3: the first public message ends the first response, the message before it is answered with it
clocks: {first_response: {budget: {P1: 30m}}, next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_received; 10 message_sent; 200 now
=> 10 met first_response due 30

== Clock 3: one breach a cycle, however many messages wait
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 message_received; 41 message_received; 50 message_received; 200 now
=> 40 breached next_response due 40

== Clock 4: a reopen resumes resolve, the resolved time excluded, both stops are said
picture: clock-4
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 30 resolved; 100 reopened; 120 resolved
=> 30 met resolve due 60; 120 met resolve due 130

== Clock 4: resolved twice at one instant, each is said under an id of its own
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 10 resolved /1; 10 reopened /2; 10 resolved :again /3
=> 10 met resolve due 60; 10 met resolve due 60

== Clock 4: a breach is said once
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 70 resolved; 100 reopened; 120 resolved
=> 60 breached resolve due 60; 70 stopped_late resolve due 60; 120 stopped_late resolve due 60

== Clock 4: a reopen cancels confirm, the next resolution starts it anew
clocks: {confirm: {budget: {P1: 60m}}}
0 opened P1; 10 resolved; 20 reopened; 30 resolved; 40 resolution_confirmed
=> 20 cancelled confirm due 70 (reopened); 40 met confirm #2 due 90

== Clock 4: a severity changed while resolved is judged at the reopen
clocks: {resolve: {budget: {P0: 20m, P1: 60m}}}
0 opened P1; 30 resolved; 40 updated P0; 100 reopened; 110 resolved
=> 30 met resolve due 60; 100 breached resolve due 20 (retarget); 110 stopped_late resolve due 20

== Clock 4: a reopen never re-arms the first response
clocks: {first_response: {budget: {P1: 60m}}}
0 opened P1; 10 resolved; 20 reopened; 200 now
=> 10 met first_response due 60 (resolved)

== Clock 4: a message while resolved arms nothing
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 resolved; 20 message_received; 90 now
=> nothing

== Clock 4: a reopen goes on though the resolution came while nothing was owed
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 10 updated P3; 20 resolved; 30 reopened; 40 updated P1; 91 now
=> 10 cancelled resolve due 60 (no_target); 90 breached resolve due 90

== Clock 4: a reopen and a budget start what never owed anything
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P3; 20 resolved; 30 reopened; 40 updated P1; 101 now
=> 100 breached resolve due 100

== Clock 4: a warning that the resolution forestalled comes with the reopen, not before it
risk: [25%, 50%, 75%]
clocks: {resolve: {budget: {P1: 60m}, anchor: reported}}
0 opened P1 reported_at=@-40; -5 resolved; 20 reopened; 46 now
=> -5 met resolve due 20; 20 breach_risk resolve due 45 50%; 30 breach_risk resolve due 45 75%; 45 breached resolve due 45

== Clock 4: a warning that a severity without a budget forestalled comes with the budget, not before it
risk: [25%, 50%, 75%]
clocks: {resolve: {budget: {P1: 60m}, anchor: reported}}
0 opened P1 reported_at=@-40; -5 updated P3; 20 updated P1; 46 now
=> -5 cancelled resolve due 20 (no_target); 20 breach_risk resolve due 45 50%; 30 breach_risk resolve due 45 75%; 45 breached resolve due 45

== Clock 4: a reopening of what is open begins nothing anew
clocks: {resolve: {budget: {P1: 60m}}, stall: {budget: {P1: 45m}}}
cadence: {customer: {every: {P1: 50m}}}
0 opened P1; 10 acknowledged; 40 reopened; 61 now
=> 10 met stall due 45; 50 cadence_missed customer_update due 50 x1; 55 breached stall #2 due 55; 60 breached resolve due 60

== Clock 4: so is the time that it was closed without its own stop
show: elapsed
clocks: {resolve: {budget: {P1: 60m}, stop: resolved}}
0 opened P1; 10 closed; 100 reopened; 120 resolved
=> 10 cancelled resolve due 60 (closed) elapsed 10; 120 met resolve due 150 elapsed 30

== Clock 4: a reopened escalation can be closed
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 10 resolved; 20 closed; 40 reopened; 50 closed
=> 10 met resolve due 60; 50 met resolve due 90

== Clock 5: same start, elapsed carried, new budget
clocks: {resolve: {budget: {P0: 30m, P1: 60m}}}
0 opened P1; 10 updated P0; 25 resolved
=> 25 met resolve due 30

== Clock 5: upgrade already over breaches at the change
picture: clock-5
clocks: {resolve: {budget: {P0: 30m, P1: 60m}}}
0 opened P1; 40 updated P0; 50 resolved
=> 40 breached resolve due 30 (retarget); 50 stopped_late resolve due 30

== Clock 5: an upgrade exactly at the new due time is in time
clocks: {resolve: {budget: {P0: 30m, P1: 60m}}}
0 opened P1; 30 updated P0; 30 resolved /9
=> 30 met resolve due 30

== Clock 5: upgrade already over breaches even while paused
clocks: {resolve: {budget: {P0: 30m, P1: 60m}, pause: [any]}}
0 opened P1; 40 paused x; 50 updated P0; 60 resumed x; 70 resolved
=> 50 breached resolve due 30 (retarget); 70 stopped_late resolve due 30

== Clock 5: thresholds overtaken by an upgrade collapse into the highest
risk: [25%, 50%]
clocks: {resolve: {budget: {P0: 100m, P1: 400m}}}
0 opened P1; 60 updated P0; 61 now; 70 resolved
=> 60 breach_risk resolve due 100 50%; 70 met resolve due 100

== Clock 5: a change that leaves budget and calendar is no new target version
risk: [50%]
clocks: {resolve: {budget: {P0: 60m, P1: 60m}}}
0 opened P1; 40 updated P0; 50 resolved
=> 30 breach_risk resolve due 60 50%; 50 met resolve due 60

== Clock 5: a downgrade extends
picture: clock-5-downgrade
clocks: {resolve: {budget: {P1: 60m, P2: 120m}}}
0 opened P1; 50 updated P2; 110 resolved
=> 110 met resolve due 120

== Clock 5: a breach already said stays after a downgrade, a later stop is late
clocks: {resolve: {budget: {P1: 60m, P2: 120m}}}
0 opened P1; 70 updated P2; 110 resolved
=> 60 breached resolve due 60; 110 stopped_late resolve due 120

== Clock 5: the new due time counts from the start with its pauses
picture: clock-5-pauses
clocks: {resolve: {budget: {P0: 40m, P1: 90m}, pause: [any]}}
0 opened P1; 10 paused x; 40 resumed x; 50 updated P0; 65 resolved
=> 65 met resolve due 70

== Clock 5: the breach at the change is said under the new severity, one of before keeps its own
clocks: {acknowledge: {budget: {P1: 15m, P2: 60m}}}
0 opened P1; 20 updated P2; 50 acknowledged
=> 15 breached acknowledge due 15; 50 stopped_late acknowledge due 60

== Clock 6: the policy is pinned at the opening, later attributes do not move it
match: {service: mail}
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1 service=mail; 5 updated service=web; 16 now
=> 15 breached acknowledge due 15

== Clock 6: a newer version applies to what opens from then on, what is open keeps its own
picture: clock-6
--- standard
clocks: {acknowledge: {budget: {P1: 60m}}}
--- standard 10
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 61 now
=> 60 breached acknowledge due 60

== Clock 6: opened at the very instant at which a version begins has that version
--- standard
clocks: {acknowledge: {budget: {P1: 60m}}}
--- standard 0
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 61 now
=> 15 breached acknowledge due 15

== Clock 6: a version put beside it while it is open changes nothing of it
clocks: {acknowledge: {budget: {P1: 60m}}}
reload:
clocks: {acknowledge: {budget: {P1: 60m}}}
--- standard 10
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 20 reload; 61 now
=> 60 breached acknowledge due 60

== Clock 6: nor does one that begins before it opened, though a late event has everything derived again
clocks: {acknowledge: {budget: {P1: 60m}}}
reload:
clocks: {acknowledge: {budget: {P1: 60m}}}
--- standard -10
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 25 message_sent; 30 reload; 20 message_sent :late; 61 now
=> 60 breached acknowledge due 60

== Clock 6: a version that an open escalation pins cannot vanish
clocks: {acknowledge: {budget: {P1: 60m}}}
reload:
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 20 reload; 61 now
=> !policy_vanished

== Clock 6: a rebase moves what is open to a newer version, from its instant on
picture: clock-6-rebase
--- standard
clocks: {resolve: {budget: {P1: 120m}, pause: [pending_customer]}}
--- standard 20
clocks: {resolve: {budget: {P1: 60m}, pause: [pending_customer]}}
show: policy
0 opened P1; 10 paused pending_customer; 25 resumed pending_customer; 30 rebased standard 20; 80 now; 90 resolved
=> 75 breached resolve due 75 standard@10:20; 90 stopped_late resolve due 75 standard@10:20

== Clock 6: a finished verdict stands as it was reported, and so does a breach
--- standard
clocks: {acknowledge: {budget: {P1: 15m}}, resolve: {budget: {P1: 30m}}}
--- standard 20
clocks: {acknowledge: {budget: {P1: 5m}}, resolve: {budget: {P1: 90m}}}
show: policy
0 opened P1; 10 acknowledged; 40 rebased standard 20; 60 resolved
=> 10 met acknowledge due 15 standard; 30 breached resolve due 30 standard; 60 stopped_late resolve due 90 standard@10:20

== Clock 6: what the new version finds over already is breached at the rebase, even while paused
--- standard
clocks: {resolve: {budget: {P1: 120m}, pause: [any]}}
--- standard 20
clocks: {resolve: {budget: {P1: 20m}, pause: [any]}}
0 opened P1; 30 paused x; 40 rebased standard 20; 60 resolved
=> 40 breached resolve due 20 (rebased); 60 stopped_late resolve due 20

== Clock 6: of a new target the thresholds that are behind collapse into the highest
--- standard
clocks: {resolve: {budget: {P1: 200m}, risk: [50%]}}
--- standard 20
clocks: {resolve: {budget: {P1: 100m}, risk: [50%, 75%, 90%]}}
0 opened P1; 80 rebased standard 20; 120 now
=> 80 breach_risk resolve due 100 75%; 90 breach_risk resolve due 100 90%; 100 breached resolve due 100

== Clock 6: where the target stays, no mark is passed twice, and what new ones lie behind is not said
--- standard
clocks: {resolve: {budget: {P1: 100m}, risk: [50%, 90%]}}
--- standard 20
clocks: {resolve: {budget: {P1: 100m}, risk: [40%, 50%, 70%], escalate: [{at: 55%, notify: [lead]}, {at: 100%, notify: [boss]}]}}
0 opened P1; 60 rebased standard 20; 110 now
=> 50 breach_risk resolve due 100 50%; 70 breach_risk resolve due 100 70%; 100 breached resolve due 100; 100 escalated resolve due 100 100% -> boss

== Clock 6: a level that was said for want of an acknowledgement is not said again
--- standard
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 10%, notify: [lead], ack_within: 5m}, {at: 80%, notify: [boss]}]}}
--- standard 20
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 10%, notify: [lead], ack_within: 5m}, {at: 80%, notify: [boss]}, {at: 90%, notify: [director]}]}}
0 opened P1; 30 rebased standard 20; 95 now
=> 10 escalated resolve due 100 10% -> lead; 15 escalated resolve due 100 80% (not_acknowledged) -> boss; 90 escalated resolve due 100 90% -> director

== Clock 6: a clock that the new version adds has the state that it would have, and nothing of before is said
--- standard
clocks: {resolve: {budget: {P1: 300m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 300m}}, acknowledge: {budget: {P1: 5m}}, next_response: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 10 acknowledged; 12 message_sent; 20 message_received; 25 paused x; 35 resumed x; 50 rebased standard 20; 99 message_sent
=> 90 breached next_response due 90; 99 stopped_late next_response due 90

== Clock 6: a clock that the new version adds and that is over already is one breach, at the rebase
--- standard
clocks: {resolve: {budget: {P1: 300m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 300m}}, acknowledge: {budget: {P1: 15m}, risk: [50%], escalate: [{at: 50%, notify: [lead]}, {at: 100%, notify: [boss]}]}}
0 opened P1; 50 rebased standard 20; 60 acknowledged
=> 50 breached acknowledge due 15 (rebased); 50 escalated acknowledge due 15 100% -> boss; 60 stopped_late acknowledge due 15

== Clock 6: a severity that owed nothing before has the clock as if it had been added
--- standard
clocks: {resolve: {budget: {P0: 60m}}}
--- standard 20
clocks: {resolve: {budget: {P0: 60m, P1: 60m}}}
0 opened P1; 30 rebased standard 20; 61 now
=> 60 breached resolve due 60

== Clock 6: what the new version leaves out is cancelled
--- standard
clocks: {acknowledge: {budget: {P1: 15m}}, resolve: {budget: {P1: 90m}}}
cadence: {internal: {every: {P1: 60m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 90m}}}
show: policy
0 opened P1; 30 rebased standard 20; 91 now
=> 15 breached acknowledge due 15 standard; 30 cancelled acknowledge due 15 (rebased) standard; 30 cancelled internal_update due 60 (rebased) standard; 90 breached resolve due 90 standard@10:20

== Clock 6: what is left out and then brought back begins its next cycle
--- standard
clocks: {acknowledge: {budget: {P1: 45m}}}
cadence: {internal: {every: {P1: 60m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 90m}}}
0 opened P1; 20 rebased standard 20; 30 rebased standard; 50 acknowledged; 61 now
=> 20 cancelled acknowledge due 45 (rebased); 20 cancelled internal_update due 60 (rebased); 30 cancelled resolve due 90 (rebased); 45 breached acknowledge #2 due 45; 50 stopped_late acknowledge #2 due 45; 60 cadence_missed internal_update #2 due 60 x1

== Clock 6: a breached clock that is left out and then brought back goes on, and is late once
--- standard
clocks: {resolve: {budget: {P1: 60m}}}
credits: [{metric: resolve, severity: [P1], overrun: {at_least: 0m}, credit: 10%}, {metric: resolve, severity: [P1], overrun: {at_least: 30m}, credit: 25%}]
--- standard 20
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 5 acknowledged; 70 rebased standard 20; 80 rebased standard; 95 resolved
=> 60 breached resolve due 60; 60 credit_exposed resolve due 60 100% owes 10%; 70 cancelled resolve due 60 (rebased)
=> 90 credit_exposed resolve due 60 100% + 30m owes 25%; 95 stopped_late resolve due 60

== Clock 6: begun anew while it was left out, it is another cycle, and late for itself
--- standard
clocks: {reply: {start: {paused: v}, stop: {resumed: v}, budget: {P1: 30m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 900m}}}
0 opened P1; 5 paused v; 40 rebased standard 20; 45 resumed v; 50 paused v; 90 rebased standard; 100 resumed v
=> 35 breached reply due 35; 40 cancelled reply due 35 (rebased); 90 cancelled resolve due 900 (rebased)
=> 90 breached reply #2 due 80 (rebased); 100 stopped_late reply #2 due 80

== Clock 6: what is brought back and does not run begins its next cycle when it starts
--- standard
clocks: {reply: {start: {paused: v}, stop: {resumed: v}, budget: {P1: 30m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 900m}}}
0 opened P1; 5 paused v; 10 resumed v; 20 rebased standard 20; 30 rebased standard; 40 paused v; 71 now
=> 10 met reply due 35; 30 cancelled resolve due 900 (rebased); 70 breached reply #2 due 70

== Clock 6: clocks are found again by their names, wherever the new version has them
--- standard
clocks: {acknowledge: {budget: {P1: 15m}}, resolve: {budget: {P1: 90m}}}
cadence: {customer: {every: {P1: 40m}}, internal: {every: {P1: 60m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 90m}}, acknowledge: {budget: {P1: 15m}}}
cadence: {internal: {every: {P1: 60m}}, customer: {every: {P1: 40m}}}
0 opened P1; 10 rebased standard 20; 12 acknowledged; 20 update_published customer; 61 now; 70 resolved; 71 closed
=> 12 met acknowledge due 15; 20 met customer_update due 40; 60 cadence_missed customer_update #2 due 60 x1; 60 cadence_missed internal_update due 60 x1; 70 met resolve due 90; 71 cancelled customer_update #2 due 100 (closed); 71 cancelled internal_update due 120 (closed)

== Clock 6: the reasons of a pause are those of the new version, from the rebase on
--- standard
clocks: {resolve: {budget: {P1: 60m}, pause: [a]}, acknowledge: {budget: {P1: 60m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 60m}}, acknowledge: {budget: {P1: 60m}, pause: [a]}}
0 opened P1; 10 paused a; 30 rebased standard 20; 50 resumed a; 100 now
=> 80 breached resolve due 80; 80 breached acknowledge due 80

== Clock 6: the default severity is the new version's, where nobody has given one
--- standard
default_severity: P2
clocks: {resolve: {budget: {P1: 60m, P2: 120m}}}
--- standard 20
default_severity: P1
clocks: {resolve: {budget: {P1: 60m, P2: 120m}}}
show: severity
0 opened; 30 rebased standard 20; 61 now
=> 60 breached resolve due 60 P1

== Clock 6: the time between two resolutions and what a reopening finds are the new version's
--- standard
clocks: {resolve: {budget: {P1: 60m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 40m}}, confirm: {budget: {P1: 60m}}}
0 opened P1; 30 resolved; 50 rebased standard 20; 70 reopened; 81 now
=> 30 met resolve due 60; 70 cancelled confirm due 90 (reopened); 80 breached resolve due 80

== Clock 6: an event of before the rebase that comes after it is judged by what was in force
--- standard
clocks: {acknowledge: {budget: {P1: 15m}}, resolve: {budget: {P1: 60m}}}
--- standard 20
clocks: {acknowledge: {budget: {P1: 5m}}, resolve: {budget: {P1: 40m}}}
show: policy
0 opened P1; 30 rebased standard 20; 41 now; 42 resolved; 10 acknowledged :late
=> 15 breached acknowledge due 15 standard; 40 breached resolve due 40 standard@10:20; 42 stopped_late acknowledge due 5 (resolved) standard@10:20; 42 stopped_late resolve due 40 standard@10:20; 15 retracted breached acknowledge due 15 by late standard; 42 retracted stopped_late acknowledge due 5 (resolved) by late standard@10:20; 10 met acknowledge due 15 standard

== Clock 6: a rebase that comes late is judged in its place, and corrects what was said since
--- standard
clocks: {resolve: {budget: {P1: 60m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 120m}}}
show: policy
0 opened P1; 80 resolved; 30 rebased standard 20 :moved
=> 60 breached resolve due 60 standard; 80 stopped_late resolve due 60 standard; 60 retracted breached resolve due 60 by moved standard; 80 retracted stopped_late resolve due 60 by moved standard; 80 met resolve due 120 standard@10:20

== Clock 6: rebased twice, each stretch has its version; moved back it is the first again
--- standard
clocks: {resolve: {budget: {P1: 100m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 200m}}}
show: policy
0 opened P1; 30 rebased standard 20; 50 rebased standard; 101 now
=> 100 breached resolve due 100 standard

== Clock 6: by the new version, too, the opening is no update
--- standard
clocks: {resolve: {budget: {P1: 100m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 100m}}, first_news: {start: opened, stop: updated, budget: {P1: 60m}}}
0 opened P1; 30 rebased standard 20; 61 now
=> 60 breached first_news due 60

== Clock 6: to the version that it has, nothing changes; to another policy it moves, too
--- gold
match: {tier: gold}
clocks: {resolve: {budget: {P1: 60m}}}
--- standard
clocks: {resolve: {budget: {P1: 100m}}}
show: policy
0 opened P1; 10 rebased standard; 30 rebased gold; 61 now
=> 60 breached resolve due 60 gold

== Clock 6: a version that is unknown, or has other content, is refused by name and changes nothing
--- standard
clocks: {resolve: {budget: {P1: 60m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 20m}}}
0 opened P1; 10 rebased standard 15; 11 rebased gold 20; 12 rebased standard 20 hash=beef; 61 now
=> !unknown_policy_version; !unknown_policy_version; !unknown_policy_version; 60 breached resolve due 60

== Clock 6: a rebase opens nothing, and waits for the opening as other facts do
options: {open_on_first_event: true}
--- standard
clocks: {resolve: {budget: {P1: 60m, P2: 60m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 30m, P2: 30m}}}
10 rebased standard 20; 5 message_received; 36 now
=> 35 breached resolve due 35

== Clock 6: of a merged or cancelled escalation nothing is open that could move
--- standard
clocks: {resolve: {budget: {P1: 60m}}}
--- standard 20
clocks: {resolve: {budget: {P1: 90m}}, acknowledge: {budget: {P1: 5m}}}
0 opened P1; 10 cancelled spam; 20 rebased standard 20; 99 now
=> 10 cancelled resolve due 60 (spam)

== Clock 6: a promise and an action item keep their time, the new version's warnings are of what is to come
--- standard
commitments: {risk: [50%]}
clocks: {resolve: {budget: {P1: 900m}}}
actions: {budget: {P1: 100m}}
--- standard 20
commitments: {risk: [20%, 70%]}
clocks: {resolve: {budget: {P1: 900m}}}
actions: {budget: {P1: 10m}}
0 opened P1; 0 commitment_made c1 due_at=@100; 0 action_opened a1; 60 rebased standard 20; 101 now
=> 50 breach_risk commitment/c1 due 100 50%; 70 breach_risk commitment/c1 due 100 70%; 100 commitment_missed commitment/c1 due 100; 100 breached action/a1 due 100

== Clock 6: a promise that is kept and an action item that is done are over in any version
--- standard
clocks: {resolve: {budget: {P1: 900m}}}
actions: {budget: {P1: 100m}}
--- standard 20
clocks: {resolve: {budget: {P1: 900m}}}
actions: {budget: {P1: 100m}}
0 opened P1; 0 commitment_made c1 due_at=@60; 0 action_opened a1; 10 commitment_kept c1; 15 action_completed a1; 30 rebased standard 20; 101 now
=> 10 met commitment/c1 due 60; 15 met action/a1 due 100

== Clock 6: a warning at the very instant of the rebase is said, by the new version
--- standard
commitments: {risk: [50%]}
clocks: {resolve: {budget: {P1: 100m}, risk: [50%]}}
cadence: {customer: {every: {P1: 100m}, risk: [50%]}}
--- standard 20
commitments: {risk: [50%, 90%]}
clocks: {resolve: {budget: {P1: 100m}, risk: [50%, 90%]}}
cadence: {customer: {every: {P1: 100m}, risk: [50%, 90%]}}
0 opened P1; 0 commitment_made c1 due_at=@100; 50 rebased standard 20; 51 now
=> 50 breach_risk resolve due 100 50%; 50 breach_risk customer_update due 100 50%; 50 breach_risk commitment/c1 due 100 50%

== Clock 6: what opened it for want of an opening counts for a clock that a rebase adds
options: {open_on_first_event: true}
--- standard
clocks: {resolve: {budget: {P2: 900m}}}
--- standard 20
clocks: {resolve: {budget: {P2: 900m}}, first_response: {budget: {P2: 15m}}}
0 message_sent; 30 rebased standard 20; 50 now
=> nothing

== Clock 6: the roles of the new version are staffed by who has them, the others begin with its severity
--- standard
clocks: {resolve: {budget: {P1: 900m}}}
war_room: {P1: {roles: [scribe], staffed_within: 30m, at_most: 3}}
--- standard 20
clocks: {resolve: {budget: {P1: 900m}}}
war_room: {P1: {roles: [commander, scribe], staffed_within: 90m, at_most: 2}}
0 opened P1; 10 role_assigned commander ada; 20 role_assigned helper bo; 21 role_assigned guest cy; 25 rebased standard 20; 91 now
=> 25 room_too_large war_room ada,bo,cy, 2 at most; 90 breached role/scribe due 90

== Clock 6: credits of the new version are exposed at the rebase, none of the old one twice
--- standard
clocks: {resolve: {budget: {P1: 60m}}}
credits: [{metric: resolve, severity: [P1], overrun: {at_least: 0s}, credit: 10%}]
--- standard 20
clocks: {resolve: {budget: {P1: 60m}}}
credits: [{metric: resolve, severity: [P1], overrun: {at_least: 0s}, credit: 5%}, {metric: resolve, severity: [P1], overrun: {at_least: 10m}, credit: 10%}, {metric: resolve, severity: [P1], overrun: {at_least: 20m}, credit: 25%}, {metric: resolve, severity: [P1], overrun: {at_least: 60m}, credit: 50%}]
0 opened P1; 90 rebased standard 20; 130 now
=> 60 breached resolve due 60; 60 credit_exposed resolve due 60 100% owes 10%; 90 credit_exposed resolve due 60 100% + 20m owes 25%; 120 credit_exposed resolve due 60 100% + 1h owes 50%

== Clock 7: each stretch counts in the calendar that was in force
picture: clock-7
clocks: {resolve: {budget: {P1: 600m, P2: 10h @office}}}
0 opened P1; 300 updated P2; 1600 now       # 300 around the clock, then 120 until 17:00, the rest next day
=> 1560 breached resolve due 1560

== Clock 7: what is left runs on the calendar that is in force now
calendar late: {zone: UTC, hours: {mon-fri: ["12:00-20:00"]}}
clocks: {resolve: {budget: {P1: 4h @office, P2: 4h @late}}}
0 opened P1; 60 updated P2; 500 now           # one hour of four is used; the late shift begins at 12:00
=> 300 breached resolve due 300

== Clock 8: a retroactive start is back-dated
clocks: {resolve: {budget: {P1: 60m}, anchor: reported}}
0 opened P1 reported_at=@-30; 31 now
=> 30 breached resolve due 30

== Clock 8: overdue when first seen is one breach and no burst of warnings
picture: clock-8
risk: [50%, 75%]
clocks: {resolve: {budget: {P1: 60m}, anchor: reported, escalate: [{at: 75%, notify: [owner]}, {at: 100%, notify: [lead]}]}}
0 opened P1 reported_at=@-90; 5 resolved
=> -30 breached resolve due -30; 0 escalated resolve due -30 100% -> lead; 5 stopped_late resolve due -30

== Clock 8: overtaken thresholds collapse into the highest
risk: [25%, 50%, 75%]
clocks: {resolve: {budget: {P1: 60m}, anchor: reported}}
0 opened P1 reported_at=@-35; 5 resolved
=> 0 breach_risk resolve due 25 50%; 5 met resolve due 25

== Clock 8: a pause before the opening is subtracted from a back-dated start
clocks: {resolve: {budget: {P1: 60m}, anchor: reported, pause: [any]}}
0 opened P1 reported_at=@-40; -30 paused x; -10 resumed x; 41 now
=> 40 breached resolve due 40

== Clock 9: a stop that arrives late but happened in time retracts the breach
picture: clock-9
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 30 now; 10 acknowledged :late
=> 15 breached acknowledge due 15; 15 retracted breached acknowledge due 15 by late; 10 met acknowledge due 15

== Clock 9: an earlier stop amends the later one
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 acknowledged; 20 now; 5 acknowledged :late
=> 10 met acknowledge due 15; 5 amended met acknowledge due 15 by late

== Clock 9: a late pause moves the breach
picture: clock-9-pause
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 70 now; 10 paused x :p; 30 resumed x :r; 90 now
=> 60 breached resolve due 60; 60 retracted breached resolve due 60 by p; 80 breached resolve due 80

== Clock 9: a late fact that changes no answer says nothing
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 acknowledged; 20 now; 5 message_sent
=> 10 met acknowledge due 15

== Clock 9: the correction names what it corrects and the event that caused it
show: corrects
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 30 now; 10 acknowledged :late
=> 15 breached acknowledge due 15; 15 retracted breached acknowledge due 15 by late corrects 1; 10 met acknowledge due 15

== Clock 10: a time more than five minutes past its recording is dead-lettered
picture: clock-10
options: {encoded: true}
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 15.1 acknowledged :a ^10; 20 now
=> !from_the_future; 15 breached acknowledge due 15

== Clock 10: exactly five minutes are taken
options: {encoded: true}
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 15 acknowledged ^10
=> 15 met acknowledge due 15

== Clock 11: merged, the open clocks of the secondary are cancelled, breached ones too
picture: clock-11
clocks: {acknowledge: {budget: {P1: 15m}}, resolve: {budget: {P1: 60m}}}
0 opened P1; 20 merged desk:2; 200 now
=> 15 breached acknowledge due 15; 20 cancelled acknowledge due 15 (merged); 20 cancelled resolve due 60 (merged)

== Clock 11: cancelled for a reason, and what comes after changes nothing
clocks: {resolve: {budget: {P1: 60m}}}
cadence: {customer: {every: {P1: 60m}, start: triaged}}
0 opened P1; 20 cancelled spam; 25 triaged; 30 resolved; 35 updated P0; 40 closed; 200 now
=> 20 cancelled resolve due 60 (spam)

== Clock 11: a reopening takes a cancellation back: what was open goes on, the time between excluded
picture: clock-11-reopened
clocks: {first_response: {budget: {P1: 30m}}, acknowledge: {budget: {P1: 15m}}, resolve: {budget: {P1: 60m}}}
0 opened P1; 5 acknowledged; 20 cancelled not_planned; 40 reopened; 45 message_sent; 81 resolved
=> 5 met acknowledge due 15; 20 cancelled first_response due 30 (not_planned); 20 cancelled resolve due 60 (not_planned)
=> 45 met first_response due 50; 80 breached resolve due 80; 81 stopped_late resolve due 80

== Clock 11: a clock that was breached before the cancellation is late once
clocks: {resolve: {budget: {P1: 60m}}}
credits: [{metric: resolve, severity: [P1], overrun: {at_least: 0m}, credit: 10%}]
0 opened P1; 80 cancelled spam; 100 reopened; 110 resolved
=> 60 breached resolve due 60; 60 credit_exposed resolve due 60 100% owes 10%; 80 cancelled resolve due 60 (spam)
=> 110 stopped_late resolve due 60

== Clock 11: a clock that owed nothing when it was cancelled begins with a budget, the time between excluded
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 10 updated P3; 20 cancelled spam; 100 reopened; 110 updated P1; 161 now
=> 10 cancelled resolve due 60 (no_target); 160 breached resolve due 160

== Clock 11: a cadence begins its next cycle with the reopening, a promise stays cancelled
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer; 15 commitment_made c1 due_at=@90; 30 cancelled spam; 100 reopened; 161 now
=> 10 met customer_update due 60; 30 cancelled customer_update #2 due 70 (spam); 30 cancelled commitment/c1 due 90 (spam)
=> 160 cadence_missed customer_update #3 due 160 x1

== Clock 11: what a resolution had begun is cancelled for good, the next one begins it anew
clocks: {resolve: {budget: {P1: 60m}}, rca_final: {budget: {P1: 14d}}}
0 opened P1; 20 resolved; 30 cancelled duplicate; 40 reopened; 50 resolved; 60 rca_published final
=> 20 met resolve due 60; 30 cancelled rca_final due 20180 (duplicate); 50 met resolve due 80
=> 60 met rca_final #2 due 20210

== Clock 11: what came between is heard with the reopening: who wrote waits since then
picture: clock-11-between
clocks: {next_response: {budget: {P0: 20m, P1: 60m}}, resolve: {budget: {P0: 30m, P1: 60m}}}
0 opened P1; 5 message_sent; 20 cancelled not_planned; 30 message_received; 35 updated P0; 40 reopened; 71 now
=> 20 cancelled resolve due 60 (not_planned); 50 breached resolve due 50; 60 breached next_response due 60

== Clock 11: answered in between, nobody waits, and what waited for the answer ends with the reopening
clocks: {first_response: {budget: {P1: 30m}}, next_response: {budget: {P1: 30m}}}
0 opened P1; 20 cancelled spam; 25 message_received; 30 message_sent; 40 reopened; 200 now
=> 20 cancelled first_response due 30 (spam); 40 met first_response due 50

== Clock 11: late before it, and answered in between
show: elapsed
clocks: {first_response: {budget: {P1: 15m}}}
0 opened P1; 20 cancelled spam; 25 message_sent; 40 reopened
=> 15 breached first_response due 15 elapsed 15; 20 cancelled first_response due 15 (spam) elapsed 20; 40 stopped_late first_response due 15 elapsed 20

== Clock 11: what was done in between was so before a severity of that time
clocks: {first_response: {budget: {P0: 15m, P1: 30m}}}
0 opened P1; 20 cancelled spam; 25 updated P0; 30 message_sent; 40 reopened
=> 20 cancelled first_response due 30 (spam); 40 met first_response due 50

== Clock 11: what was waived in between is so from the reopening on
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 20 cancelled spam; 25 waived resolve reason=agreed; 40 reopened; 200 now
=> 20 cancelled resolve due 60 (spam); 40 waived resolve (agreed)

== Clock 11: what one reopening has heard, the next one does not hear again
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 1 message_sent; 2 message_received; 10 cancelled spam; 15 message_sent; 16 message_received; 20 reopened; 22 message_sent; 24 message_received; 30 cancelled spam; 35 linked desk:2; 40 reopened; 42 linked desk:3; 12 linked desk:4; 200 now
=> 10 cancelled next_response due 32 (spam); 20 met next_response due 42; 22 met next_response #2 due 50
=> 30 cancelled next_response #3 due 54 (spam); 64 breached next_response #3 due 64

== Clock 11: nor does it begin again what that has begun
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 1 message_sent; 10 cancelled spam; 16 message_received; 20 reopened; 22 message_sent; 30 cancelled spam; 35 linked desk:2; 40 reopened; 12 linked desk:4; 200 now
=> 22 met next_response due 50

== Clock 11: severity rules that began in between judge nothing anew of what asks for none
clocks: {resolve: {budget: {P0: 30m, P1: 60m}}}
severity: [{severity: P1, when: {}}]
severity 30: [{severity: P0, when: {}}]
0 opened; 20 cancelled spam; 25 message_received; 40 reopened; 81 now
=> 0 classified severity P1; 20 cancelled resolve due 60 (spam); 80 breached resolve due 80

== Clock 11: what begins and ends in between has no verdict, nor has a severity that held there alone
clocks: {next_response: {budget: {P1: 30m}}, vendor: {start: {paused: vendor}, stop: {resumed: vendor}, budget: {P1: 1h}}, resolve: {budget: {P0: 15m, P1: 60m}}}
0 opened P1; 5 message_sent; 20 cancelled spam; 21 message_received; 22 message_sent; 23 paused vendor; 24 resumed vendor; 25 updated P0; 26 updated P1; 40 reopened; 50 resolved
=> 20 cancelled resolve due 60 (spam); 50 met resolve due 80

== Clock 11: nor what begins with the reopening alone
clocks: {stall: {budget: {P1: 30m}}, resolve: {budget: {P1: 60m}}}
0 opened P1; 5 resolved; 20 cancelled spam; 25 acknowledged; 40 reopened; 71 now
=> 5 met stall due 30 (resolved); 5 met resolve due 60; 70 breached stall #2 due 70

== Clock 11: what begins in between and has not ended runs from the reopening on
clocks: {vendor: {start: {paused: vendor}, stop: {resumed: vendor}, budget: {P1: 30m}}}
0 opened P1; 20 cancelled spam; 23 paused vendor; 40 reopened; 71 now
=> 70 breached vendor due 70

== Clock 11: what it waited for came in between, or it began to wait
clocks: {resolve: {budget: {P1: 60m}, pause: [vendor]}, acknowledge: {budget: {P1: 60m}, pause: [customer]}}
0 opened P1; 10 paused vendor; 20 cancelled spam; 30 resumed vendor; 35 paused customer; 40 reopened; 50 resumed customer; 101 now
=> 20 cancelled resolve (spam); 20 cancelled acknowledge due 60 (spam)
=> 90 breached resolve due 90; 90 breached acknowledge due 90

== Clock 11: looked at, taken on and staffed in between, it is so with the reopening
clocks: {triage: {budget: {P1: 30m}}, acknowledge: {budget: {P1: 30m}}}
war_room: {P1: {roles: [commander], staffed_within: 15m, at_most: 8}}
0 opened P1; 10 cancelled spam; 20 triaged; 22 assigned ann; 25 acknowledged; 30 role_assigned commander ann; 40 reopened; 200 now
=> 10 cancelled triage due 30 (spam); 10 cancelled acknowledge due 30 (spam); 10 cancelled role/commander due 15 (spam)
=> 40 met triage due 60; 40 met acknowledge due 60; 40 met role/commander due 45

== Clock 11: an update in between settles nothing: none was owed
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 30 cancelled spam; 50 update_published customer; 60 reopened; 121 now
=> 30 cancelled customer_update due 60 (spam); 120 cadence_missed customer_update #2 due 120 x1

== Clock 11: a role that changes hands in between is owed as it is in the end
clocks: {}
war_room: {P1: {roles: [commander], staffed_within: 15m, at_most: 8}}
0 opened P1; 5 role_assigned commander ann; 10 cancelled spam; 20 role_released commander ann; 25 role_assigned commander bo; 30 reopened; 40 cancelled spam; 41 role_released commander bo; 50 reopened; 66 now
=> 5 met role/commander due 15; 65 breached role/commander #2 due 65

== Clock 11: who came with what was merged in between waits since then
clocks: {first_response: {budget: {P1: 60m}}}
0 opened P1; 20 cancelled spam; 25 contact_inherited @-30; 40 reopened; 71 now
=> 20 cancelled first_response due 60 (spam); 50 breached first_response due 50

== Clock 11: nor is it passed on
show: relays
clocks: {first_response: {budget: {P1: 60m}}}
0 opened P1; 5 linked desk:2; 20 cancelled spam; 25 update_published customer next_update_at=@30; 40 reopened; 200 now
=> 20 cancelled first_response due 60 (spam); 40 met first_response due 80

== Clock 11: a promise or an action item of the time between is not owed: say it again
clocks: {}
0 opened P1; 20 cancelled spam; 30 commitment_made c1 due_at=@50; 32 action_opened a1 due_at=@50; 40 reopened; 200 now

== Clock 11: what ends it in between does not end what is reopened
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 20 cancelled spam; 25 resolved; 30 cancelled duplicate; 35 merged desk:2; 40 reopened; 101 now
=> 20 cancelled resolve due 60 (spam); 80 breached resolve due 80

== Clock 11: what came between and is told late is judged there, and so is a reopening that is
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 20 cancelled spam; 40 reopened; 71 now; 25 message_received; 72 now
=> 70 breached next_response due 70

== Clock 11: a second cancellation begins anew what waits for a reopening
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 cancelled spam; 15 message_received; 20 reopened; 25 message_sent; 30 cancelled spam; 40 reopened; 200 now
=> 25 met next_response due 50

== Clock 11: what waits for a reopening is no part of a checkpoint
options: {fact_limit: 4}
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 20 cancelled spam; 25 message_received; 26 linked desk:2; 40 reopened; 41 linked desk:3; 42 linked desk:4; 43 linked desk:5; 71 now; 42 updated; 72 now
=> 70 breached next_response due 70

== Clock 11: it stays a fact while the cancellation before it is folded into one
options: {fact_limit: 4}
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 20 cancelled spam; 25 message_received; 26 linked desk:2; 27 linked desk:3; 28 linked desk:4; 40 reopened; 71 now
=> 70 breached next_response due 70

== Clock 11: of very many events after a cancellation the oldest are not heard
options: {fact_limit: 4}
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 20 cancelled spam; 25 message_received; 26 linked desk:2; 27 linked desk:3; 28 linked desk:4; 29 linked desk:5; 30 linked desk:6; 31 linked desk:7; 40 reopened; 71 now

== Clock 11: a merge is for good
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 20 merged desk:9; 40 reopened; 200 now
=> 20 cancelled resolve due 60 (merged)

== Clock 11: a reopening that comes late is judged in its place
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 20 cancelled spam; 100 now; 40 reopened :late; 101 now
=> 20 cancelled resolve due 60 (spam); 80 breached resolve due 80

== Clock 11: a cadence is cancelled with the escalation
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 30 cancelled spam; 200 now
=> 30 cancelled customer_update due 60 (spam)

== Clock 11: with the time that it has taken on its calendar, and only where an update was owed
show: elapsed target
cadence: {customer: {every: {P1: 60m @office}}, internal: {every: {P0: 20m}}}
400 opened P1; 500 cancelled spam
=> 500 cancelled customer_update due 1420 (spam) elapsed 20 target 60

== Clock 11: a breach that was said stays, and counts once
clocks: {resolve: {budget: {P1: 60m}, escalate: [{at: "100% + 1h", notify: [director]}]}}
0 opened P1; 61 now; 70 merged desk:2; 200 now
=> 60 breached resolve due 60; 70 cancelled resolve due 60 (merged)

== Clock 11: the survivor inherits the earliest contact with the customer
show: relays
clocks: {}
0 opened P1; 20 merged desk:2
=> 20 contact_inherited -> desk:2 contact_at=@0

== Clock 11: with it, that somebody answered there
show: relays
clocks: {}
0 opened P1; 10 message_sent; 20 merged desk:2
=> 20 contact_inherited -> desk:2 contact_at=@0 answered

== Clock 11: who was answered before the merge waits for no first answer, and is late for none
clocks: {first_response: {budget: {P1: 60m}}}
0 opened P1; 20 contact_inherited @-90 answered=true; 40 message_sent
=> 40 met first_response due 60

== Clock 11: nor does who was answered before the first of several merges
show: relays
clocks: {}
0 opened P1; 10 contact_inherited @-90 answered=true; 20 merged desk:2
=> 20 contact_inherited -> desk:2 contact_at=@0

== Clock 11: a contact that was reported earlier, or was inherited itself, is passed on
show: relays
clocks: {}
0 opened P1 reported_at=@-10; 10 contact_inherited @-40 :a; 20 merged desk:2; 15 contact_inherited @-50 :b
=> 20 contact_inherited -> desk:2 contact_at=@-40; 20 contact_inherited -> desk:2 contact_at=@-50 v2

== Clock 11: a merge that turns out to be another takes the contact back
show: relays
clocks: {}
0 opened P1; 20 merged desk:2 :m ^25; 20 merged desk:3 :m ^24
=> 20 contact_inherited -> desk:2 contact_at=@0
=> 20 contact_inherited -> desk:3 contact_at=@0; 20 contact_inherited -> desk:2 contact_at=@0 v2 withdrawn; !conflicting_duplicate

== Clock 11: who waits for our first answer waits since the earliest contact
picture: clock-11-contact
clocks: {first_response: {budget: {P1: 60m}}}
0 opened P1; 20 contact_inherited @-30; 40 now
=> 30 breached first_response due 30

== Clock 11: overdue when it is inherited, that is one breach and no burst of warnings
risk: [50%, 75%]
clocks: {first_response: {budget: {P1: 60m}}}
0 opened P1; 20 contact_inherited @-50; 30 message_sent
=> 10 breached first_response due 10; 30 stopped_late first_response due 10

== Clock 11: of the warnings that are overtaken the highest is given
risk: [25%, 50%, 75%]
clocks: {first_response: {budget: {P1: 60m}}}
0 opened P1; 20 contact_inherited @-30; 25 now
=> 15 breach_risk first_response due 60 25%; 20 breach_risk first_response due 30 75%

== Clock 11: pauses stay subtracted from what is inherited
show: elapsed
clocks: {first_response: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 10 paused x; 30 resumed; 40 contact_inherited @-30; 55 message_sent
=> 50 breached first_response due 50 elapsed 60; 55 stopped_late first_response due 50 elapsed 65

== Clock 11: overdue while it is paused, too
clocks: {first_response: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 10 paused x; 20 contact_inherited @-55; 30 message_sent
=> 5 breached first_response due 5; 30 stopped_late first_response due 5

== Clock 11: a breach that was said stays, and counts once
clocks: {first_response: {budget: {P1: 60m}}}
0 opened P1; 61 now; 70 contact_inherited @-30; 80 message_sent
=> 60 breached first_response due 60; 80 stopped_late first_response due 60

== Clock 11: who was answered before is not asked again, nor by a later contact
clocks: {first_response: {budget: {P1: 60m}}}
0 opened P1; 10 message_sent; 20 contact_inherited @-90; 30 contact_inherited @5 :later
=> 10 met first_response due 60

== Clock 11: an inherited contact that is taken back counts no more
clocks: {first_response: {budget: {P1: 60m}}}
0 opened P1; 20 contact_inherited @-30 :c; 40 now; 20 contact_inherited @-30 v2 withdrawn :c; 70 now
=> 30 breached first_response due 30; 30 retracted breached first_response due 30 by c; 60 breached first_response due 60

== Clock 11: cancelled twice at one instant, each by its reason under an id of its own
clocks: {contact: {budget: {P1: 60m}}}
0 opened P1; 10 updated P2 :a /1; 10 updated P1 :b /2; 10 merged into=desk:2 /3
=> 10 cancelled contact due 60 (no_target); 10 cancelled contact due 60 (merged)

== Clock 12: due after the stop is no breach
picture: clock-12
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 59 resolved; 200 now
=> 59 met resolve due 60

== Clock 12: a pause that begins before the due time moves it past the stop
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 50 paused x; 70 resolved; 200 now
=> 70 met resolve

== Risk 1: where most that were open so far breached, it is said, with the probability and its cases
picture: risk-1
show: chance
pace: {resolve: {P1: {0%: 40 of 100, 40%: 40 of 64}}}
risk: [75%]
clocks: {resolve: {budget: {P1: 100m}}}
0 opened P1; 90 resolved
=> 40 breach_risk resolve due 100 pace chance 0.625 of 64; 75 breach_risk resolve due 100 75% chance 0.625 of 64; 90 met resolve due 100

== Risk 1: whom history does not tell of is warned of as ever
show: chance
pace: {resolve: {P0: {0%: 9 of 10}}, acknowledge: {P1: {0%: 1 of 10}}}
risk: [75%]
clocks: {resolve: {budget: {P1: 100m}}, acknowledge: {budget: {P1: 100m}}}
0 opened P1; 80 resolved
=> 75 breach_risk resolve due 100 75%; 75 breach_risk acknowledge due 100 75% chance 0.1 of 10; 80 met acknowledge due 100 (resolved); 80 met resolve due 100

== Risk 1: a stop at the very share comes first
pace: {resolve: {P1: {0%: 4 of 10, 40%: 4 of 5}}}
clocks: {resolve: {budget: {P1: 100m}}}
0 opened P1; 40 resolved
=> 40 met resolve due 100

== Risk 1: it counts on the clock's calendar, its pauses excluded, and is said once
pace: {resolve: {P1: {0%: 9 of 10}}}
clocks: {resolve: {budget: {P1: 8h @office}, pause: [any]}}
0 opened P1; 10 paused x; 300 resumed x; 320 paused x; 330 resumed x; 340 resolved; 400 reopened; 410 resolved
=> 314 breach_risk resolve due 1730 pace; 340 met resolve due 1740; 410 met resolve due 1800

== Risk 1: another severity is another history, and a new target version says it anew
show: chance
pace: {resolve: {P1: {0%: 4 of 10, 40%: 4 of 5}, P2: {0%: 1 of 10, 30%: 1 of 2}}}
clocks: {resolve: {budget: {P1: 100m, P2: 200m}}}
0 opened P1; 50 updated P2; 70 updated P1; 80 resolved
=> 40 breach_risk resolve due 100 pace chance 0.8 of 5; 60 breach_risk resolve due 200 pace chance 0.5 of 2; 70 breach_risk resolve due 100 pace chance 0.8 of 5; 80 met resolve due 100

== Risk 1: a severity with the same budget is no new target version, yet it has its own history
show: chance
pace: {resolve: {P1: {0%: 4 of 10, 40%: 4 of 5}, P2: {0%: 1 of 10, 60%: 1 of 2}}}
clocks: {resolve: {budget: {P1: 100m, P2: 100m, P3: 100m}}}
0 opened P1; 30 updated P2; 80 resolved; 85 reopened; 90 resolved
=> 60 breach_risk resolve due 100 pace chance 0.5 of 2; 80 met resolve due 100; 90 met resolve due 105

== Risk 1: a severity with the same budget and no such history is not said to be at risk
pace: {resolve: {P1: {0%: 4 of 10, 40%: 4 of 5}}}
clocks: {resolve: {budget: {P1: 100m, P3: 100m}}}
0 opened P1; 30 updated P3; 80 resolved
=> 80 met resolve due 100

== Risk 1: overtaken, it collapses into a threshold of the policy, which it never swallows
show: chance
pace: {resolve: {P1: {0%: 4 of 10, 40%: 4 of 5}}, confirm: {P1: {0%: 4 of 10, 70%: 4 of 5}}}
risk: [30%, 50%]
clocks: {resolve: {budget: {P1: 100m}, anchor: reported}}
0 opened P1 reported_at=@-60; 5 resolved
=> 0 breach_risk resolve due 40 50% chance 0.8 of 5; 5 met resolve due 40

== Risk 1: overtaken beyond the policy's thresholds, both are said
pace: {resolve: {P1: {0%: 4 of 10, 60%: 4 of 5}}}
risk: [30%, 50%]
clocks: {resolve: {budget: {P1: 100m}, anchor: reported}}
0 opened P1 reported_at=@-65; 5 resolved
=> 0 breach_risk resolve due 35 50%; 0 breach_risk resolve due 35 pace; 5 met resolve due 35

== Risk 1: a breach that a new severity brings is said alone
pace: {resolve: {P0: {0%: 9 of 10}}}
clocks: {resolve: {budget: {P0: 30m, P1: 100m}}}
0 opened P1; 40 updated P0; 60 resolved
=> 40 breached resolve due 30 (retarget); 60 stopped_late resolve due 30

== Risk 1: each cycle has its own
pace: {next_response: {P1: {0%: 4 of 10, 50%: 4 of 5}}}
clocks: {next_response: {budget: {P1: 20m}}}
0 opened P1; 1 message_sent; 10 message_received; 25 message_sent; 30 message_received; 45 message_sent
=> 20 breach_risk next_response due 30 pace; 25 met next_response due 30; 40 breach_risk next_response #2 due 50 pace; 45 met next_response #2 due 50

== Clock 13: thresholds fire once, on the clock's calendar, before the breach
picture: clock-13
risk: [75%, 90%]
clocks: {resolve: {budget: {P1: 100m}}}
0 opened P1; 200 now
=> 75 breach_risk resolve due 100 75%; 90 breach_risk resolve due 100 90%; 100 breached resolve due 100

== Clock 13: a lead time counts on the clock's calendar
risk: ["30m before due"]
clocks: {resolve: {budget: {P1: 8h @office}}}
0 opened P1; 1439 now
=> 1410 breach_risk resolve due 1440 30m before due

== Clock 13: a lead time of the budget or more is not made
risk: ["1h before due", "2h before due"]
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 50 now
=> nothing

== Clock 13: a threshold is not said again after a pause
risk: [50%]
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 40 paused x; 50 resumed x; 60 now
=> 30 breach_risk resolve due 60 50%

== Clock 13: a new target version has thresholds of its own
risk: [50%]
clocks: {resolve: {budget: {P1: 60m, P2: 120m}}}
0 opened P1; 40 updated P2; 70 resolved
=> 30 breach_risk resolve due 60 50%; 60 breach_risk resolve due 120 50%; 70 met resolve due 120

== Clock 13: two target versions may warn at the same level in the same cycle
risk: [50%]
clocks: {resolve: {budget: {P0: 40m, P1: 60m}}}
0 opened P1; 35 updated P0; 36 now; 38 resolved
=> 30 breach_risk resolve due 60 50%; 35 breach_risk resolve due 40 50%; 38 met resolve due 40

== Clock 13: the whole budget is the breach itself and no breach_risk
risk: [99%]
clocks: {resolve: {budget: {P1: 100m}}}
0 opened P1; 101 now
=> 99 breach_risk resolve due 100 99%; 100 breached resolve due 100

== Clock 14: the start anchor is the policy's
picture: clock-14
clocks: {resolve: {budget: {P1: 60m}, anchor: occurred}, acknowledge: {budget: {P1: 60m}, anchor: detected}, triage: {budget: {P1: 60m}, anchor: reported}, contact: {budget: {P1: 60m}}}
0 opened P1 occurred_at=@-50 detected_at=@-30 reported_at=@-10; 1 closed
=> 1 met acknowledge due 30 (resolved); 1 met triage due 50 (resolved); 1 met contact due 60 (resolved); 1 met resolve due 10

== Clock 14: an anchor that is unknown falls back, in the end to the opening
clocks: {resolve: {budget: {P1: 60m}, anchor: occurred}, acknowledge: {budget: {P1: 60m}, anchor: reported}}
0 opened P1 detected_at=@-30; 1 closed
=> 1 met acknowledge due 60 (resolved); 1 met resolve due 30

== Clock 14: an anchor after the opening does not move the start
clocks: {resolve: {budget: {P1: 60m}, anchor: reported}}
0 opened P1 reported_at=@30; 61 now
=> 60 breached resolve due 60

== Clock 15: a threshold is judged when now is past it
risk: [50%]
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 30 now; 30 resolved
=> 30 met resolve due 60

== Clock 15: paused exactly at due and resumed, nothing is left: due at the resume
picture: clock-15
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 60 paused x; 90 resumed x; 91 resolved
=> 90 breached resolve due 90; 91 stopped_late resolve due 90

== Clock 15: paused at due and resolved at the very resume is met
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 60 paused x; 90 resumed x; 90 resolved /9
=> 90 met resolve due 90

== Clock 15: a retarget at exactly the due time is in time
clocks: {resolve: {budget: {P1: 60m, P2: 120m}}}
0 opened P1; 60 updated P2; 90 resolved
=> 90 met resolve due 120

== Clock 15: a clock stopped while paused has no due time
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 10 paused x; 90 resolved
=> 90 met resolve

== Clock 15: nor has one that is cancelled while paused
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 10 paused x; 20 cancelled reason=spam
=> 20 cancelled resolve (spam)

== Clock 15: a pause at exactly the due time is in time
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 60 paused x; 100 now; 110 resolved
=> 110 met resolve
"""


@pytest.mark.parametrize("case", [pytest.param(case, id=case.rule) for case in cases(CLOCKS)])
def test_rule(case: Case) -> None:
    assert play(case) == case.expected
