"""How clocks behave, a case a rule, in the notation of `case_notation`."""

# ruff: noqa: E501  # a line of facts stays a line

import pytest
from case_notation import Case, cases, play

CLOCKS = """
== Built-in: triage runs from opened to triaged
clocks: {triage: {budget: {P1: 15m}}}
0 opened P1; 10 triaged
=> 10 met triage due 15

== Built-in: triage breached, then triaged late
clocks: {triage: {budget: {P1: 15m}}}
0 opened P1; 20 triaged
=> 15 breached triage due 15; 20 stopped_late triage due 15

== Built-in: acknowledge runs from opened to acknowledged
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 5 acknowledged; 6 acknowledged
=> 5 met acknowledge due 15

== Built-in: first_response ends with a public message
clocks: {first_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent internal; 10 message_sent; 11 message_sent
=> 10 met first_response due 30

== Built-in: first_response ends with a customer update
clocks: {first_response: {budget: {P1: 30m}}}
0 opened P1; 5 update_published internal; 10 update_published customer
=> 10 met first_response due 30

== Built-in: next_response runs from the customer's message to the public answer
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 message_received internal; 20 message_received; 30 message_sent internal; 40 message_sent
=> 40 met next_response due 50

== Built-in: contact is met when an owner is assigned
clocks: {contact: {budget: {P1: 30m}}}
0 opened P1; 5 assigned team=blue; 10 assigned ann; 20 assigned bo
=> 10 met contact due 30

== Built-in: contact is met by an update that names an owner
clocks: {contact: {budget: {P1: 30m}}}
0 opened P1; 10 updated owner=ann
=> 10 met contact due 30

== Built-in: contact is met at once by an owner in the opening
clocks: {contact: {budget: {P1: 30m}}}
0 opened P1 owner=ann
=> 0 met contact due 30

== Built-in: resolve is met by the resolution
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 30 resolved; 40 closed
=> 30 met resolve due 60

== Built-in: closed without resolved is a resolution
clocks: {resolve: {budget: {P1: 60m}}, confirm: {budget: {P1: 60m}}}
0 opened P1; 30 closed
=> 30 met resolve due 60

== Built-in: confirm runs from resolved to the confirmation
clocks: {confirm: {budget: {P1: 60m}}}
0 opened P1; 30 resolved; 50 resolution_confirmed; 55 closed
=> 50 met confirm due 90

== Built-in: confirm is met by closing
clocks: {confirm: {budget: {P1: 60m}}}
0 opened P1; 30 resolved; 50 closed
=> 50 met confirm due 90

== Built-in: resolution stops triage, acknowledge, first_response, next_response and contact
clocks: {triage: {budget: {P1: 1h}}, acknowledge: {budget: {P1: 1h}}, first_response: {budget: {P1: 1h}}, contact: {budget: {P1: 20m}}}
0 opened P1; 30 resolved
=> 20 breached contact due 20
=> 30 met triage due 60 (resolved); 30 met acknowledge due 60 (resolved); 30 met first_response due 60 (resolved)
=> 30 stopped_late contact due 20 (resolved)

== Built-in: a resolution ends the next response
clocks: {next_response: {budget: {P1: 1h}}}
0 opened P1; 5 message_sent; 10 message_received; 30 resolved
=> 30 met next_response due 70 (resolved)

== Built-in: a clock that the policy leaves out does not exist
clocks: {triage: {budget: {P1: 15m}}}
0 opened P1; 300 now
=> 15 breached triage due 15

== Custom clock: each start after a stop is the next cycle, a start while running is nothing
clocks: {vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor}, budget: {P1: 30m}}}
0 opened P1; 10 paused pending_vendor; 15 paused pending_vendor; 20 resumed pending_vendor; 30 paused pending_vendor; 70 resumed pending_vendor
=> 20 met vendor_reply due 40; 60 breached vendor_reply #2 due 60; 70 stopped_late vendor_reply #2 due 60

== Custom clock: another reason moves nothing
clocks: {vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor}, budget: {P1: 30m}}}
0 opened P1; 10 paused pending_customer; 60 now
=> nothing

== Custom clock: what closing leaves open is cancelled
clocks: {vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor}, budget: {P1: 30m}}}
0 opened P1; 10 paused pending_vendor; 20 closed; 90 now
=> 20 cancelled vendor_reply due 40 (closed)

== Custom clock: after the closing none is started that closing would cancel
clocks: {vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor}, budget: {P1: 30m}}}
0 opened P1; 10 closed; 20 paused pending_vendor; 90 now
=> nothing

== Custom clock: one that closing starts runs on after it
clocks: {survey: {start: closed, stop: {update_published: internal}, budget: {P1: 30m}}}
0 opened P1; 10 closed; 41 now; 50 update_published internal
=> 40 breached survey due 40; 50 stopped_late survey due 40

== No target: a severity without a budget cancels, back again the clock goes on with its elapsed time
clocks: {acknowledge: {budget: {P1: 30m}}}
0 opened P1; 10 updated P3; 100 updated P1; 130 now
=> 10 cancelled acknowledge due 30 (no_target); 120 breached acknowledge due 120

== No target: back again at the budget it had before is no new target version, so warnings are not said again
risk: [50%]
clocks: {acknowledge: {budget: {P1: 30m}}}
0 opened P1; 20 updated P3; 100 updated P1; 105 acknowledged
=> 15 breach_risk acknowledge due 30 50%; 20 cancelled acknowledge due 30 (no_target); 105 met acknowledge due 110

== No target: a stop meanwhile ends it in silence
clocks: {acknowledge: {budget: {P1: 30m}}}
0 opened P1; 10 updated P3; 20 acknowledged; 100 updated P1; 200 now
=> 10 cancelled acknowledge due 30 (no_target)

== No target: no budget at the start says nothing, and starts with nothing elapsed later
clocks: {acknowledge: {budget: {P1: 30m}}}
0 opened P3; 100 updated P1; 135 now
=> 130 breached acknowledge due 130

== No target: a start meanwhile is nothing, the same cycle goes on
clocks: {vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor}, budget: {P1: 30m}}}
0 opened P1; 10 paused pending_vendor; 20 updated P3; 25 paused other; 26 resumed other; 27 paused pending_vendor; 50 updated P1; 80 now
=> 20 cancelled vendor_reply due 40 (no_target); 70 breached vendor_reply due 70

== No target: the oldest unanswered message keeps its time
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 message_received; 20 updated P3; 30 message_received; 40 updated P1; 70 now
=> 20 cancelled next_response due 40 (no_target); 60 breached next_response due 60

== Severity: opened without one has the policy's default until it is triaged
default_severity: P1
clocks: {acknowledge: {budget: {P0: 5m, P1: 30m}}}
0 opened; 10 triaged P0; 20 now
=> 10 breached acknowledge due 5 (retarget)

== Severity: triaged with a severity stops the triage clock first
clocks: {triage: {budget: {P0: 5m, P2: 30m}}}
0 opened P2; 10 triaged P0
=> 10 met triage due 30

== Clock 1: a stop exactly at the due time is met
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 15 acknowledged; 99 now
=> 15 met acknowledge due 15

== Clock 1: a breach takes effect at the due time, whenever it was detected
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 600 now
=> 15 breached acknowledge due 15

== Clock 1: it runs while its calendar is open
clocks: {resolve: {budget: {P1: 8h @office}}}
0 opened P1; 1440 now; 1441 resolved
=> 1440 breached resolve due 1440; 1441 stopped_late resolve due 1440

== Clock 2: pause is a set of reasons, the clock runs when the set is empty
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

== Clock 3: next response arms only after the first response
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_received; 10 message_sent; 20 message_received; 51 now
=> 50 breached next_response due 50

== Clock 3: later messages do not reset it, a public reply ends it, the next message is the next cycle
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 message_received; 30 message_received; 45 message_sent; 60 message_received; 70 message_sent
=> 40 breached next_response due 40; 45 stopped_late next_response due 40; 70 met next_response #2 due 90

== Clock 4: a reopen resumes resolve, the resolved time excluded, both stops are said
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 30 resolved; 100 reopened; 120 resolved
=> 30 met resolve due 60; 120 met resolve due 130

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

== Clock 4: a reopened escalation can be closed
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 10 resolved; 20 closed; 40 reopened; 50 closed
=> 10 met resolve due 60; 50 met resolve due 90

== Clock 5: same start, elapsed carried, new budget
clocks: {resolve: {budget: {P0: 30m, P1: 60m}}}
0 opened P1; 10 updated P0; 25 resolved
=> 25 met resolve due 30

== Clock 5: upgrade already over breaches at the change
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
clocks: {resolve: {budget: {P1: 60m, P2: 120m}}}
0 opened P1; 50 updated P2; 110 resolved
=> 110 met resolve due 120

== Clock 5: a breach already said stays after a downgrade, a later stop is late
clocks: {resolve: {budget: {P1: 60m, P2: 120m}}}
0 opened P1; 70 updated P2; 110 resolved
=> 60 breached resolve due 60; 110 stopped_late resolve due 120

== Clock 7: each stretch counts in the calendar that was in force
clocks: {resolve: {budget: {P1: 600m, P2: 10h @office}}}
0 opened P1; 300 updated P2; 1600 now       # 300 around the clock, then 120 until 17:00, the rest next day
=> 1560 breached resolve due 1560

== Clock 8: a retroactive start is back-dated
clocks: {resolve: {budget: {P1: 60m}, anchor: reported}}
0 opened P1 reported_at=@-30; 31 now
=> 30 breached resolve due 30

== Clock 8: overdue when first seen is one breach and no burst of warnings
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
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 30 now; 10 acknowledged :late
=> 15 breached acknowledge due 15; 15 retracted breached acknowledge due 15 by late; 10 met acknowledge due 15

== Clock 9: an earlier stop amends the later one
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 acknowledged; 20 now; 5 acknowledged :late
=> 10 met acknowledge due 15; 5 amended met acknowledge due 15 by late

== Clock 9: a late pause moves the breach
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 70 now; 10 paused x :p; 30 resumed x :r; 90 now
=> 60 breached resolve due 60; 60 retracted breached resolve due 60 by p; 80 breached resolve due 80

== Clock 9: a late fact that changes no answer says nothing
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 acknowledged; 20 now; 5 message_sent
=> 10 met acknowledge due 15

== Clock 11: merged, the open clocks of the secondary are cancelled, breached ones too
clocks: {acknowledge: {budget: {P1: 15m}}, resolve: {budget: {P1: 60m}}}
0 opened P1; 20 merged desk:2; 200 now
=> 15 breached acknowledge due 15; 20 cancelled acknowledge due 15 (merged); 20 cancelled resolve due 60 (merged)

== Clock 11: cancelled for a reason, and what comes after changes nothing
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 20 cancelled spam; 30 resolved; 40 reopened; 200 now
=> 20 cancelled resolve due 60 (spam)

== Clock 12: due after the stop is no breach
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 59 resolved; 200 now
=> 59 met resolve due 60

== Clock 13: thresholds fire once, on the clock's calendar, before the breach
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

== Clock 14: the start anchor is the policy's
clocks: {resolve: {budget: {P1: 60m}, anchor: occurred}, acknowledge: {budget: {P1: 60m}, anchor: detected}, triage: {budget: {P1: 60m}, anchor: reported}, contact: {budget: {P1: 60m}}}
0 opened P1 occurred_at=@-50 detected_at=@-30 reported_at=@-10; 1 closed
=> 1 met acknowledge due 30 (resolved); 1 met triage due 50 (resolved); 1 met contact due 60 (resolved); 1 met resolve due 10

== Clock 14: an anchor that is unknown falls back, in the end to the opening
clocks: {resolve: {budget: {P1: 60m}, anchor: occurred}, acknowledge: {budget: {P1: 60m}, anchor: reported}}
0 opened P1 detected_at=@-30; 1 closed
=> 1 met acknowledge due 60 (resolved); 1 met resolve due 30

== Clock 15: a threshold is judged when now is past it
risk: [50%]
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 30 now; 30 resolved
=> 30 met resolve due 60

== Clock 15: paused exactly at due and resumed, nothing is left: due at the resume
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

== Levels: escalation levels notify at and past their thresholds, until the stop
clocks: {resolve: {budget: {P1: 60m}, escalate: [{at: 75%, notify: [owner]}, {at: 100%, notify: [lead, boss]}, {at: "100% + 2h", notify: [director]}]}}
0 opened P1; 200 now; 240 resolved
=> 45 escalated resolve due 60 75% -> owner; 60 breached resolve due 60; 60 escalated resolve due 60 100% -> lead,boss
=> 180 escalated resolve due 60 100% + 2h -> director; 240 stopped_late resolve due 60

== Levels: a stop in time says no level
clocks: {resolve: {budget: {P1: 60m}, escalate: [{at: 100%, notify: [lead]}]}}
0 opened P1; 60 resolved; 200 now
=> 60 met resolve due 60

== Levels: a pause holds the levels past the due time too
clocks: {resolve: {budget: {P1: 60m}, pause: [any], escalate: [{at: "100% + 1h", notify: [director]}]}}
0 opened P1; 90 paused x; 100 resumed x; 131 now
=> 60 breached resolve due 60; 130 escalated resolve due 60 100% + 1h -> director

== Movements: clock_started, paused and resumed are said where a setting asks
options: {say_movements: true}
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 10 paused x; 20 resumed x; 30 resolved
=> 0 clock_started resolve due 60; 10 paused resolve (x); 20 resumed resolve due 70 (x); 30 met resolve due 70
"""

CADENCES = """
== Cadence 1: it starts at the opening, and the first interval may be shorter
cadence: {customer: {every: {P1: 60m}, first: {P1: 15m}}}
0 opened P1; 10 update_published customer; 71 now
=> 10 met customer_update due 15; 70 cadence_missed customer_update #2 due 70 x1

== Cadence 1: it starts at triage where the policy says so
cadence: {customer: {every: {P1: 60m}, start: triaged}}
0 opened P1; 30 triaged; 91 now
=> 90 cadence_missed customer_update due 90 x1

== Cadence 1: only an update for that audience resets it
cadence: {customer: {every: {P1: 60m}}, internal: {every: {P1: 60m}}}
0 opened P1; 30 update_published internal; 40 message_sent; 61 now
=> 30 met internal_update due 60; 60 cadence_missed customer_update due 60 x1

== Cadence 1: a public message counts for the customer where the policy says so, an internal one never
cadence: {customer: {every: {P1: 60m}, message_counts: true}}
0 opened P1; 20 message_sent internal; 40 message_sent; 90 now
=> 40 met customer_update due 60

== Cadence 2: severity up is due at now + the new interval, if sooner
cadence: {customer: {every: {P0: 30m, P1: 120m}}}
0 opened P1; 20 updated P0; 51 now
=> 50 cadence_missed customer_update due 50 x1

== Cadence 2: severity up never loosens
cadence: {customer: {every: {P0: 30m, P1: 60m}}}
0 opened P1; 50 updated P0; 61 now
=> 60 cadence_missed customer_update due 60 x1

== Cadence 2: severity down counts from the last update
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

== Cadence 2: severity down, a stated time still binds
cadence: {customer: {every: {P1: 60m, P2: 120m}}}
0 opened P1; 10 update_published customer next_update_at=@40; 20 updated P2; 41 now
=> 10 met customer_update due 60; 40 cadence_missed customer_update #2 due 40 x1

== Cadence 3: a stated time tightens
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer next_update_at=@30; 31 now
=> 10 met customer_update due 60; 30 cadence_missed customer_update #2 due 30 x1

== Cadence 3: a stated time does not loosen
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer next_update_at=@300; 71 now
=> 10 met customer_update due 60; 70 cadence_missed customer_update #2 due 70 x1

== Cadence 3: a stated time in the past is ignored and counted, the update itself counts
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer next_update_at=@5; 69 now
=> 10 met customer_update due 60; counted past_next_update

== Cadence 3: a stated time in the past is counted once, however often it is derived again
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer next_update_at=@5; 20 message_sent; 15 message_sent :late
=> 10 met customer_update due 60; counted past_next_update; counted late

== Cadence 3: it loosens where the policy allows it, up to the cap
cadence: {customer: {every: {P1: 60m}, loosen_up_to: 4h}}
0 opened P1; 10 update_published customer next_update_at=@100; 20 now; 90 update_published customer next_update_at=@9000; 331 now
=> 10 met customer_update due 60; 90 met customer_update #2 due 100; 330 cadence_missed customer_update #3 due 330 x1

== Cadence 3: severity down does not tighten a time that was allowed to loosen
cadence: {customer: {every: {P1: 60m, P2: 120m}, loosen_up_to: 10h}}
0 opened P1; 10 update_published customer next_update_at=@300; 20 updated P2; 301 now
=> 10 met customer_update due 60; 300 cadence_missed customer_update #2 due 300 x1

== Cadence 4: every interval that passes in silence is one miss, until an update comes
cadence: {customer: {every: {P1: 60m}, first: {P1: 15m}}}
0 opened P1; 140 now; 150 update_published customer; 200 now
=> 15 cadence_missed customer_update due 15 x1; 75 cadence_missed customer_update due 75 x2
=> 135 cadence_missed customer_update due 135 x3; 150 stopped_late customer_update x3

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

== Cadence 5: after the resolution one more update is owed
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

== Cadence 5: a reopen starts it again at reopen + every, first is only for the first update after the opening
cadence: {customer: {every: {P1: 60m}, first: {P1: 15m}}}
0 opened P1; 10 update_published customer; 20 resolved; 30 update_published customer; 100 reopened; 161 now
=> 10 met customer_update due 15; 30 met customer_update #2 due 70; 160 cadence_missed customer_update #3 due 160 x1

== Cadence 5: after a reopen a downgrade takes every, not first
cadence: {customer: {every: {P1: 60m, P2: 90m}, first: {P1: 50m, P2: 70m}}}
0 opened P1; 20 resolved; 30 reopened; 40 updated P2; 121 now
=> 120 cadence_missed customer_update due 120 x1

== Cadence 5: resolved before triage owes nothing, a triage after the reopen starts it in full
cadence: {customer: {every: {P1: 60m}, start: triaged}}
0 opened P1; 10 resolved; 20 reopened; 30 triaged; 40 update_published customer; 101 now
=> 40 met customer_update due 90; 100 cadence_missed customer_update #2 due 100 x1

== Cadence 5: it runs on its own calendar
cadence: {customer: {every: {P1: 8h @office}}}
0 opened P1; 1441 now
=> 1440 cadence_missed customer_update due 1440 x1

== Cadence: thresholds warn before the interval ends, not between misses
risk: [50%]
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 130 now
=> 30 breach_risk customer_update due 60 50%; 60 cadence_missed customer_update due 60 x1; 120 cadence_missed customer_update due 120 x2

== Cadence: cancelled with the escalation
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 30 cancelled spam; 200 now
=> 30 cancelled customer_update due 60 (spam)
"""

COMMITMENTS = """
== Commitment 1: kept in time is met
0 opened P1; 10 commitment_made c1 due_at=@60; 60 commitment_kept c1
=> 60 met commitment/c1 due 60

== Commitment 1: silent is missed, kept late is stopped late
0 opened P1; 10 commitment_made c1 due_at=@60; 70 commitment_kept c1
=> 60 commitment_missed commitment/c1 due 60; 70 stopped_late commitment/c1 due 60

== Commitment 1: at risk at thresholds and lead times
commitments: {risk: [50%, "15m before due"]}
0 opened P1; 0 commitment_made c1 due_at=@60; 59 now
=> 30 breach_risk commitment/c1 due 60 50%; 45 breach_risk commitment/c1 due 60 15m before due

== Commitment 1: withdrawn is cancelled, with the reason
0 opened P1; 10 commitment_made c1 due_at=@60; 20 commitment_withdrawn c1 reason=superseded; 90 now
=> 20 cancelled commitment/c1 due 60 (superseded)

== Commitment 1: renegotiated before it is due it moves
0 opened P1; 10 commitment_made c1 due_at=@60; 50 commitment_renegotiated c1 due_at=@90; 80 commitment_kept c1
=> 80 met commitment/c1 due 90

== Commitment 1: renegotiated after it is due the miss stays, the new time is the next cycle
0 opened P1; 10 commitment_made c1 due_at=@60; 70 commitment_renegotiated c1 due_at=@90; 80 commitment_kept c1
=> 60 commitment_missed commitment/c1 due 60; 80 met commitment/c1 #2 due 90

== Commitment 1: no pause holds it, and two of them are two
0 opened P1; 0 paused any; 10 commitment_made c1 due_at=@60; 11 commitment_made c2 due_at=@50; 61 now
=> 50 commitment_missed commitment/c2 due 50; 60 commitment_missed commitment/c1 due 60

== Commitment 1: it outlives the closing
0 opened P1; 10 commitment_made c1 due_at=@60; 20 closed; 61 now
=> 60 commitment_missed commitment/c1 due 60

== Commitment 1: due before it was made is missed at once
0 opened P1; 10 commitment_made c1 due_at=@5; 11 now
=> 5 commitment_missed commitment/c1 due 5

== Commitment 1: of an unknown id changes nothing
0 opened P1; 10 commitment_kept c9; 20 commitment_renegotiated c9 due_at=@30; 90 now
=> nothing
"""

FACTS = """
== Order: the opening stands first whatever its time, older facts follow it
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; -5 acknowledged
=> -5 met acknowledge due 15

== Order: before the opening nothing warns, whatever moved there
risk: [50%]
clocks: {resolve: {budget: {P0: 100m, P1: 200m}, anchor: reported}}
0 opened P1 reported_at=@-80; -60 updated P0; 1 now
=> 0 breach_risk resolve due 20 50%

== Order: before the opening no promise warns
commitments: {risk: [50%]}
0 opened P1; -60 commitment_made c1 due_at=@20; -50 commitment_renegotiated c1 due_at=@30; 5 now
=> 0 breach_risk commitment/c1 due 30 50%

== Order: an update before the opening is followed by the first interval from the opening
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; -300 update_published customer; 61 now
=> -300 met customer_update due 60; 60 cadence_missed customer_update #2 due 60 x1

== Order: a severity without a budget before the opening takes no time
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; -30 updated P3; -20 updated P1; 16 now
=> -30 cancelled acknowledge due 15 (no_target); 15 breached acknowledge due 15

== Order: ties go by sequence, none first
clocks: {acknowledge: {budget: {P1: 15m, P2: 10m}}}
0 opened P1; 5 updated P2 /2 :b; 5 updated P1 /1 :a; 12 acknowledged
=> 10 breached acknowledge due 10; 12 stopped_late acknowledge due 10

== Order: of the same time and sequence a stop comes before a change of attributes
clocks: {acknowledge: {budget: {P0: 10m, P1: 60m}}}
0 opened P1; 20 acknowledged; 20 updated P0; 21 now
=> 20 met acknowledge due 60

== Order: a stop that arrives after a change of attributes of the same time comes before it
clocks: {acknowledge: {budget: {P0: 10m, P1: 60m}}}
0 opened P1; 20 updated P0; 20 acknowledged :a
=> 20 breached acknowledge due 10 (retarget); 20 retracted breached acknowledge due 10 (retarget) by a
=> 20 met acknowledge due 60

== Order: of the same time a pause comes before a resume, a resume before a start
clocks: {reply: {start: message_received, stop: message_sent, pause: [hold], budget: {P1: 60m}}}
0 opened P1; 10 message_received; 10 resumed hold; 10 paused hold; 71 now
=> 70 breached reply due 70

== Order: at the due time stops come before what else happens then
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 60 paused x; 60 resolved
=> 60 met resolve due 60

== Order: a second opened counts as updated
clocks: {acknowledge: {budget: {P0: 10m, P1: 60m}}}
0 opened P1; 5 opened P0; 11 now
=> 10 breached acknowledge due 10

== Order: an earlier opened that arrives later is the opening
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 20 now; -10 opened P1 :first
=> 15 breached acknowledge due 15; 5 amended breached acknowledge due 5 by first

== Duplicates: the same source and id again changes nothing
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 acknowledged; 10 acknowledged ^12; 30 now
=> 10 met acknowledge due 15; !duplicate

== Duplicates: with other content the one recorded first stands
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 acknowledged :a ^10; 5 acknowledged :a ^11
=> 10 met acknowledge due 15; !conflicting_duplicate

== Duplicates: the one recorded first stands when it arrives second
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 acknowledged :a ^10; 5 acknowledged :a ^9
=> 10 met acknowledge due 15; 5 amended met acknowledge due 15 by a; !conflicting_duplicate

== Duplicates: what came again was recorded when it was recorded first
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 acknowledged :a ^14; 10 acknowledged :a ^11; 5 acknowledged :a ^12
=> 10 met acknowledge due 15; !duplicate; !conflicting_duplicate

== Duplicates: an opening that turns out to be something else leaves the escalation waiting
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1 :o ^5; 16 now; 0 updated P1 :o ^4; 100 now
=> 15 breached acknowledge due 15; 15 retracted breached acknowledge due 15 by o; !conflicting_duplicate

== Waiting: facts that arrive before their opening wait for it
clocks: {acknowledge: {budget: {P1: 15m}}}
10 acknowledged; 50 now; 0 opened P1
=> 10 met acknowledge due 15

== Waiting: what came due meanwhile is said once the opening is there
clocks: {acknowledge: {budget: {P1: 15m}}}
20 acknowledged; 50 now; 0 opened P1
=> 15 breached acknowledge due 15; 20 stopped_late acknowledge due 15

== Waiting: not opened within a day is counted, once
clocks: {acknowledge: {budget: {P1: 15m}}}
10 acknowledged; 1450 now; 1451 now; 5000 message_sent; 9000 now
=> counted never_opened

== Waiting: with open_on_first_event the first fact opens it
options: {open_on_first_event: true}
default_severity: P1
clocks: {acknowledge: {budget: {P1: 15m}}, triage: {budget: {P1: 15m}}}
0 message_sent; 10 acknowledged; 16 now
=> 10 met acknowledge due 15; 15 breached triage due 15

== Waiting: with open_on_first_event the opened that follows is the opening
options: {open_on_first_event: true}
default_severity: P1
clocks: {triage: {budget: {P1: 15m, P2: 30m}}}
0 message_sent; 5 opened P2 :o; 36 now
=> 35 breached triage due 35

== Waiting: with open_on_first_event an earlier fact that arrives later is the opening
options: {open_on_first_event: true}
default_severity: P1
clocks: {triage: {budget: {P1: 15m}}}
0 message_sent; -10 message_sent; 6 now
=> 5 breached triage due 5

== Cap: older facts fold into a checkpoint, and what is older than it is too late
options: {fact_limit: 4}
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 10 paused x; 20 resumed x; 30 message_sent; 40 message_sent; 5 resolved :old; 75 now; 80 resolved
=> !too_late; 70 breached resolve due 70; 80 stopped_late resolve due 70

== Cap: a late fact after the checkpoint is still judged in its place
options: {fact_limit: 4}
clocks: {resolve: {budget: {P1: 60m}, pause: [any]}}
0 opened P1; 10 paused x; 20 resumed x; 30 message_sent; 40 message_sent; 75 now; 50 resolved :late
=> 70 breached resolve due 70; 70 retracted breached resolve due 70 by late; 50 met resolve due 70

== Cap: the last fact that was folded is not taken twice
options: {fact_limit: 4}
clocks: {reply: {start: message_received, stop: message_sent, budget: {P1: 60m}}}
0 opened P1; 10 message_received; 20 message_sent; 30 message_received; 40 message_received; 10 message_received
=> 20 met reply due 70; !too_late

== Cap: folding is counted
options: {fact_limit: 2}
0 opened P1; 10 message_sent; 20 message_sent
=> counted folded

== Cap: a promise made before the checkpoint is still kept after it
options: {fact_limit: 4}
0 opened P1; 10 commitment_made c1 due_at=@90; 20 message_sent; 30 message_sent; 40 message_sent; 35 message_sent :late; 95 commitment_kept c1
=> 90 commitment_missed commitment/c1 due 90; 95 stopped_late commitment/c1 due 90

== Cap: a duplicate of what was kept is known
options: {fact_limit: 4}
0 opened P1; 10 message_sent; 20 message_sent; 30 message_sent; 40 message_sent; 30 message_sent
=> !duplicate

== Forgetting: a correction window after the end it leaves the state
options: {correction_window: 100}
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 30 resolved; 40 closed; 140 now; 140.1 now
=> 30 met resolve due 60; counted forgotten

== Forgetting: what is owed still keeps it
options: {correction_window: 100}
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 30 resolved; 500 now; 510 update_published customer; 610 now; 611 now
=> 60 cadence_missed customer_update due 60 x1; 120 cadence_missed customer_update due 120 x2
=> 180 cadence_missed customer_update due 180 x3; 240 cadence_missed customer_update due 240 x4
=> 300 cadence_missed customer_update due 300 x5; 360 cadence_missed customer_update due 360 x6
=> 420 cadence_missed customer_update due 420 x7; 480 cadence_missed customer_update due 480 x8
=> 510 stopped_late customer_update x8; counted forgotten

== Matching: a policy without a match leaves it unclassified, counted, and its promises are kept
match: {tier: gold}
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 commitment_made c1 due_at=@60; 61 now
=> counted unclassified; 60 commitment_missed commitment/c1 due 60

== Matching: the policy is pinned at the opening, later attributes do not move it
match: {service: mail}
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1 service=mail; 5 updated service=web; 16 now
=> 15 breached acknowledge due 15
"""


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.rule)
        for table in (CLOCKS, CADENCES, COMMITMENTS, FACTS)
        for case in cases(table)
    ],
)
def test_rule(case: Case) -> None:
    assert play(case) == case.expected
