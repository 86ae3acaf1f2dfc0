"""What an escalation is owed: matching, the built-in clocks and levels, a case a rule, in the notation of `case_notation`."""

# ruff: noqa: E501  # a line of facts stays a line

import pytest
from case_notation import Case, cases, play

OWED = """
== Matching 1: the policies are tried in order, the first match wins
picture: matching-1
--- gold
match: {tier: gold}
clocks: {acknowledge: {budget: {P1: 5m}}}
--- everyone
clocks: {acknowledge: {budget: {P1: 60m}}}
0 opened P1 customer={id:c1,tier:gold}; 61 now
=> 5 breached acknowledge due 5

== Matching 1: the last is the default
--- gold
match: {tier: gold}
clocks: {acknowledge: {budget: {P1: 5m}}}
--- everyone
clocks: {acknowledge: {budget: {P1: 60m}}}
0 opened P1 customer={id:c1,tier:silver}; 61 now
=> 60 breached acknowledge due 60

== Matching 2: a policy without a match leaves it unclassified, counted, and its promises are kept
picture: matching-2
match: {tier: gold}
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 10 commitment_made c1 due_at=@60; 61 now
=> counted unclassified; 60 commitment_missed commitment/c1 due 60

== Matching 2: the severity rules hold for what is unclassified, too
severity: [{severity: P0, when: {data_loss: true}}, {severity: P3}]
match: {tier: gold}
0 opened impact={data_loss:true}
=> 0 classified severity P0; counted unclassified

== Matching 3: all conditions of a policy must hold
picture: matching-3
--- narrow
match: {tier: gold, region: EU}
clocks: {acknowledge: {budget: {P1: 5m}}}
--- everyone
clocks: {acknowledge: {budget: {P1: 60m}}}
0 opened P1 customer={id:c1,tier:gold} region=US; 61 now
=> 60 breached acknowledge due 60

== Matching 3: an expression must hold beside them
--- narrow
match: {tier: gold}
when: region == 'EU'
clocks: {acknowledge: {budget: {P1: 5m}}}
--- everyone
clocks: {acknowledge: {budget: {P1: 60m}}}
0 opened P1 customer={id:c1,tier:gold} region=EU; 61 now
=> 5 breached acknowledge due 5

== Matching 3: what is unknown meets no condition
--- narrow
match: {affected_customers: {at_least: 1}}
clocks: {acknowledge: {budget: {P1: 5m}}}
--- everyone
clocks: {acknowledge: {budget: {P1: 60m}}}
0 opened P1; 61 now
=> 60 breached acknowledge due 60

== Matching 4: an unknown field is refused when the policy is loaded
match: {teir: gold}
=> !refused match.teir

== Matching 4: an expression over an unknown field is refused when the policy is loaded
when: teir == 'gold'
=> !refused when

== Built-in 1: triage runs from opened to triaged
clocks: {triage: {budget: {P1: 15m}}}
0 opened P1; 10 triaged
=> 10 met triage due 15

== Built-in 1: triage breached, then triaged late
picture: built-in-1
clocks: {triage: {budget: {P1: 15m}}}
0 opened P1; 20 triaged
=> 15 breached triage due 15; 20 stopped_late triage due 15

== Built-in 2: acknowledge runs from opened to acknowledged
picture: built-in-2
clocks: {acknowledge: {budget: {P1: 15m}}}
0 opened P1; 5 acknowledged; 6 acknowledged
=> 5 met acknowledge due 15

== Built-in 3: first_response ends with a public message
picture: built-in-3
clocks: {first_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent internal; 10 message_sent; 11 message_sent
=> 10 met first_response due 30

== Built-in 3: first_response ends with a customer update
clocks: {first_response: {budget: {P1: 30m}}}
0 opened P1; 5 update_published internal; 10 update_published customer
=> 10 met first_response due 30

== Built-in 4: next_response runs from the customer's message to the public answer
picture: built-in-4
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 message_received internal; 20 message_received; 30 message_sent internal; 40 message_sent
=> 40 met next_response due 50

== Built-in 4: who wrote while it was resolved and has no answer waits from the reopening on
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 resolved; 20 message_received; 21 reopened; 52 message_sent
=> 51 breached next_response due 51; 52 stopped_late next_response due 51

== Built-in 4: the message that reopens it is one, whichever of the two sorts first
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 resolved; 20 message_received :a; 20 reopened :b; 51 now; 60 closed; 70 reopened :y; 70 message_received :z; 101 now
=> 50 breached next_response due 50; 60 stopped_late next_response due 50 (resolved); 100 breached next_response #2 due 100

== Built-in 4: who was answered meanwhile does not wait, nor does who thanks and is not reopened
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 resolved; 12 message_received; 15 message_sent; 20 reopened; 30 resolved; 40 message_received; 200 now
=> nothing

== Built-in 4: an update for customers is no reply, neither while it is open nor while it is resolved
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 resolved; 20 message_received; 25 update_published customer; 26 relayed_update; 30 reopened; 61 now
=> 60 breached next_response due 60

== Built-in 4: but where the policy takes it for one
clocks: {next_response: {budget: {P1: 30m}, stop: [message_sent, {update_published: customer}]}}
0 opened P1; 5 message_sent; 10 resolved; 20 message_received; 25 update_published customer; 30 reopened; 61 now
=> nothing

== Built-in 4: a clock of one's own that began with the message, and has stopped, does not begin again
clocks: {callback: {start: message_received, stop: acknowledged, budget: {P1: 30m}}}
0 opened P1; 10 resolved; 20 message_received; 25 acknowledged; 30 reopened; 61 now
=> 25 met callback due 50

== Built-in 4: one that the closing kept from beginning begins with the reopening
clocks: {callback: {start: message_received, stop: acknowledged, budget: {P1: 30m}}}
0 opened P1; 10 closed; 20 message_received; 30 reopened; 61 now
=> 60 breached callback due 60

== Built-in 4: a resolution is the first response, too
clocks: {first_response: {budget: {P1: 30m}}, next_response: {budget: {P1: 30m}}}
0 opened P1; 10 resolved; 20 reopened; 25 message_received; 60 now
=> 10 met first_response due 30 (resolved); 55 breached next_response due 55

== Built-in 5: contact is met when an owner is assigned
picture: built-in-5
clocks: {contact: {budget: {P1: 30m}}}
0 opened P1; 5 assigned team=blue; 10 assigned ann; 20 assigned bo
=> 10 met contact due 30

== Built-in 5: contact is met by an update that names an owner
clocks: {contact: {budget: {P1: 30m}}}
0 opened P1; 10 updated owner=ann
=> 10 met contact due 30

== Built-in 5: contact is met at once by an owner in the opening
clocks: {contact: {budget: {P1: 30m}}}
0 opened P1 owner=ann
=> 0 met contact due 30

== Built-in 5: what an anchor makes due before the opening is not met by the owner in it
clocks: {contact: {budget: {P1: 15m}, anchor: reported}}
0 opened P1 owner=ann reported_at=@-120; 10 now
=> -105 breached contact due -105; 0 stopped_late contact due -105

== Built-in 5: begun anew, it is met by who takes it, not by word of the owner there was
clocks: {contact: {start: reopened, budget: {P1: 30m}}}
0 opened P1 owner=ann; 10 resolved; 20 reopened; 25 updated title=Down; 26 assigned ann; 30 updated owner=null; 40 assigned ann :again
=> 40 met contact due 50

== Built-in 6: resolve is met by the resolution
picture: built-in-6
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 30 resolved; 40 closed
=> 30 met resolve due 60

== Built-in 6: closed without resolved is a resolution
clocks: {resolve: {budget: {P1: 60m}}, confirm: {budget: {P1: 60m}}}
0 opened P1; 30 closed
=> 30 met resolve due 60

== Built-in 7: confirm runs from resolved to the confirmation
picture: built-in-7
clocks: {confirm: {budget: {P1: 60m}}}
0 opened P1; 30 resolved; 50 resolution_confirmed; 55 closed
=> 50 met confirm due 90

== Built-in 7: confirm is met by closing
clocks: {confirm: {budget: {P1: 60m}}}
0 opened P1; 30 resolved; 50 closed
=> 50 met confirm due 90

== Built-in 7: what is resolved or closed already is resolved no second time
clocks: {confirm: {budget: {P1: 60m}}}
0 opened P1; 10 resolved; 20 resolution_confirmed; 30 resolved; 40 closed; 50 resolved; 200 now
=> 20 met confirm due 70

== Built-in 7: breached and unconfirmed it is said again each day
picture: built-in-7-unconfirmed
clocks: {confirm: {budget: {P1: 24h}}}
0 opened P1; 30 resolved; 4400 resolution_confirmed; 9000 now
=> 1470 breached confirm due 1470; 2910 overdue confirm due 1470 x1; 4350 overdue confirm due 1470 x2; 4400 stopped_late confirm due 1470

== Built-in 7: a reopening ends the asking, and so does a closing
clocks: {confirm: {budget: {P1: 24h}}}
0 opened P1; 30 resolved; 1500 reopened; 3000 resolved; 4500 closed; 9000 now
=> 1470 breached confirm due 1470; 1500 cancelled confirm due 1470 (reopened)
=> 4440 breached confirm #2 due 4440; 4500 stopped_late confirm #2 due 4440

== Built-in 7: a waiver ends the asking
clocks: {confirm: {budget: {P1: 24h}}}
0 opened P1; 30 resolved; 1500 waived confirm reason=unreachable; 9000 now
=> 1470 breached confirm due 1470; 1500 waived confirm due 1470 (unreachable)

== Built-in 7: confirmed in time and told late, nothing was overdue
clocks: {confirm: {budget: {P1: 24h}}}
0 opened P1; 30 resolved; 2911 now; 100 resolution_confirmed :late
=> 1470 breached confirm due 1470; 2910 overdue confirm due 1470 x1
=> 1470 retracted breached confirm due 1470 by late; 2910 retracted overdue confirm due 1470 x1 by late; 100 met confirm due 1470

== Built-in 8: an audience's cadence runs from the opening, an update of another audience is none of its own
picture: built-in-8
cadence: {internal: {every: {P1: 30m}}, executive: {every: {P1: 60m}}}
0 opened P1; 20 update_published internal; 61 now
=> 20 met internal_update due 30; 50 cadence_missed internal_update #2 due 50 x1; 60 cadence_missed executive_update due 60 x1

== Built-in 9: a commitment runs from the promise to the time promised
picture: built-in-9
0 opened P1; 10 commitment_made c1 due_at=@60; 50 commitment_kept c1
=> 50 met commitment/c1 due 60

== Built-in 14: resolution stops triage, acknowledge, first_response, next_response and contact
picture: built-in-14
clocks: {triage: {budget: {P1: 1h}}, acknowledge: {budget: {P1: 1h}}, first_response: {budget: {P1: 1h}}, contact: {budget: {P1: 20m}}}
0 opened P1; 30 resolved
=> 20 breached contact due 20
=> 30 met triage due 60 (resolved); 30 met acknowledge due 60 (resolved); 30 met first_response due 60 (resolved)
=> 30 stopped_late contact due 20 (resolved)

== Built-in 14: a resolution ends the next response
clocks: {next_response: {budget: {P1: 1h}}}
0 opened P1; 5 message_sent; 10 message_received; 30 resolved
=> 30 met next_response due 70 (resolved)

== Built-in 15: a clock that the policy leaves out does not exist
picture: built-in-15
clocks: {triage: {budget: {P1: 15m}}}
0 opened P1; 300 now
=> 15 breached triage due 15

== Built-in 16: each start after a stop is the next cycle, a start while running is nothing
picture: built-in-16
clocks: {vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor}, budget: {P1: 30m}}}
0 opened P1; 10 paused pending_vendor; 15 paused pending_vendor; 20 resumed pending_vendor; 30 paused pending_vendor; 70 resumed pending_vendor
=> 20 met vendor_reply due 40; 60 breached vendor_reply #2 due 60; 70 stopped_late vendor_reply #2 due 60

== Built-in 16: resumed without a reason is resumed for every reason in force
clocks: {vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor}, budget: {P1: 30m}}}
0 opened P1; 10 paused pending_vendor; 15 paused x; 20 resumed; 25 paused pending_vendor; 30 resumed x; 56 now
=> 20 met vendor_reply due 40; 55 breached vendor_reply #2 due 55

== Built-in 16: another reason moves nothing
clocks: {vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor}, budget: {P1: 30m}}}
0 opened P1; 10 paused pending_customer; 60 now
=> nothing

== Built-in 16: what closing leaves open is cancelled
clocks: {vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor}, budget: {P1: 30m}}}
0 opened P1; 10 paused pending_vendor; 20 closed; 90 now
=> 20 cancelled vendor_reply due 40 (closed)

== Built-in 16: after the closing none is started that closing would cancel
clocks: {vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor}, budget: {P1: 30m}}}
0 opened P1; 10 closed; 20 paused pending_vendor; 90 now
=> nothing

== Built-in 16: one that closing starts runs on after it
clocks: {survey: {start: closed, stop: {update_published: internal}, budget: {P1: 30m}}}
0 opened P1; 10 closed; 41 now; 50 update_published internal
=> 40 breached survey due 40; 50 stopped_late survey due 40

== Built-in 17: a severity without a budget cancels, back again the clock goes on with its elapsed time
picture: built-in-17
clocks: {acknowledge: {budget: {P1: 30m}}}
0 opened P1; 10 updated P3; 100 updated P1; 130 now
=> 10 cancelled acknowledge due 30 (no_target); 120 breached acknowledge due 120

== Built-in 17: back again at the budget it had before is no new target version, so warnings are not said again
risk: [50%]
clocks: {acknowledge: {budget: {P1: 30m}}}
0 opened P1; 20 updated P3; 100 updated P1; 105 acknowledged
=> 15 breach_risk acknowledge due 30 50%; 20 cancelled acknowledge due 30 (no_target); 105 met acknowledge due 110

== Built-in 17: a stop meanwhile ends it in silence
clocks: {acknowledge: {budget: {P1: 30m}}}
0 opened P1; 10 updated P3; 20 acknowledged; 100 updated P1; 200 now
=> 10 cancelled acknowledge due 30 (no_target)

== Built-in 17: no budget at the start says nothing, and starts with nothing elapsed later
clocks: {acknowledge: {budget: {P1: 30m}}}
0 opened P3; 100 updated P1; 135 now
=> 130 breached acknowledge due 130

== Built-in 17: a start meanwhile is nothing, the same cycle goes on
clocks: {vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor}, budget: {P1: 30m}}}
0 opened P1; 10 paused pending_vendor; 20 updated P3; 25 paused other; 26 resumed other; 27 paused pending_vendor; 50 updated P1; 80 now
=> 20 cancelled vendor_reply due 40 (no_target); 70 breached vendor_reply due 70

== Built-in 17: the oldest unanswered message keeps its time
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 message_received; 20 updated P3; 30 message_received; 40 updated P1; 70 now
=> 20 cancelled next_response due 40 (no_target); 60 breached next_response due 60

== Built-in 17: a severity without a budget takes a cadence's next update away, and gives it back
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 20 updated P3; 200 updated P1; 261 now
=> 260 cadence_missed customer_update due 260 x1

== Built-in 18: opened without one has the policy's default until it is triaged
picture: built-in-18
default_severity: P1
clocks: {acknowledge: {budget: {P0: 5m, P1: 30m}}}
0 opened; 10 triaged P0; 20 now
=> 10 breached acknowledge due 5 (retarget)

== Built-in 18: without a default the policy that says none takes P2
clocks: {acknowledge: {budget: {P1: 15m, P2: 60m}}}
0 opened; 61 now
=> 60 breached acknowledge due 60

== Levels 1: escalation levels notify at and past their thresholds, until the stop
picture: levels-1
clocks: {resolve: {budget: {P1: 60m}, escalate: [{at: 75%, notify: [owner]}, {at: 100%, notify: [lead, boss]}, {at: "100% + 2h", notify: [director]}]}}
0 opened P1; 200 now; 240 resolved
=> 45 escalated resolve due 60 75% -> owner; 60 breached resolve due 60; 60 escalated resolve due 60 100% -> lead,boss
=> 180 escalated resolve due 60 100% + 2h -> director; 240 stopped_late resolve due 60

== Levels 1: a stop in time says no level
clocks: {resolve: {budget: {P1: 60m}, escalate: [{at: 100%, notify: [lead]}]}}
0 opened P1; 60 resolved; 200 now
=> 60 met resolve due 60

== Levels 1: a pause holds the levels past the due time too
clocks: {resolve: {budget: {P1: 60m}, pause: [any], escalate: [{at: "100% + 1h", notify: [director]}]}}
0 opened P1; 90 paused x; 100 resumed x; 131 now
=> 60 breached resolve due 60; 130 escalated resolve due 60 100% + 1h -> director

== Levels 2: nobody acknowledges a level in time, so the next is said at once, and waits itself
picture: levels-2
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 75%, notify: [lead], ack_within: 20m}, {at: 100%, notify: [boss]}]}}
0 opened P1; 110 now; 120 resolved
=> 50 escalated resolve due 100 50% -> owner; 65 escalated resolve due 100 75% (not_acknowledged) -> lead
=> 85 escalated resolve due 100 100% (not_acknowledged) -> boss; 100 breached resolve due 100; 120 stopped_late resolve due 100

== Levels 2: acknowledged, the next waits for its threshold
picture: levels-2-acknowledged
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 75%, notify: [lead], ack_within: 20m}, {at: 100%, notify: [boss]}]}}
0 opened P1; 60 acknowledged; 110 now; 120 resolved
=> 50 escalated resolve due 100 50% -> owner; 75 escalated resolve due 100 75% -> lead; 95 escalated resolve due 100 100% (not_acknowledged) -> boss
=> 100 breached resolve due 100; 120 stopped_late resolve due 100

== Levels 2: acknowledged at the very end of its time is in time
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 90%, notify: [lead]}]}}
0 opened P1; 65 acknowledged; 85 resolved
=> 50 escalated resolve due 100 50% -> owner; 85 met resolve due 100

== Levels 2: what was acknowledged before a level was said, or at its very instant, answers none
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 90%, notify: [lead]}]}}
0 opened P1; 40 acknowledged; 50 acknowledged; 70 resolved
=> 50 escalated resolve due 100 50% -> owner; 65 escalated resolve due 100 90% (not_acknowledged) -> lead; 70 met resolve due 100

== Levels 2: a threshold that is passed before the time is over says its level, and what waits is that one
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 1h}, {at: 75%, notify: [lead], ack_within: 10m}, {at: 100%, notify: [boss]}]}}
0 opened P1; 90 resolved
=> 50 escalated resolve due 100 50% -> owner; 75 escalated resolve due 100 75% -> lead; 85 escalated resolve due 100 100% (not_acknowledged) -> boss
=> 90 met resolve due 100

== Levels 2: an acknowledgement answers every clock that waits
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 90%, notify: [lead]}]}, contact: {budget: {P1: 60m}, escalate: [{at: 100%, notify: [lead], ack_within: 10m}, {at: "100% + 2h", notify: [boss]}]}}
0 opened P1; 65 acknowledged; 89 now; 89 resolved
=> 50 escalated resolve due 100 50% -> owner; 60 breached contact due 60; 60 escalated contact due 60 100% -> lead
=> 89 stopped_late contact due 60 (resolved); 89 met resolve due 100

== Levels 2: a resolution ends it at once, and after a reopening the next waits for its threshold
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 75%, notify: [lead]}]}}
0 opened P1; 60 resolved; 200 reopened; 300 resolved
=> 50 escalated resolve due 100 50% -> owner; 60 met resolve due 100; 215 escalated resolve due 240 75% -> lead; 240 breached resolve due 240
=> 300 stopped_late resolve due 240

== Levels 2: a merge ends it at once
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 75%, notify: [lead]}]}}
0 opened P1; 60 merged desk:2; 200 now
=> 50 escalated resolve due 100 50% -> owner; 60 cancelled resolve due 100 (merged)

== Levels 2: a cancellation ends it at once
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 75%, notify: [lead]}]}}
0 opened P1; 60 cancelled spam; 200 now
=> 50 escalated resolve due 100 50% -> owner; 60 cancelled resolve due 100 (spam)

== Levels 2: a waiver ends it at once
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 75%, notify: [lead]}]}}
0 opened P1; 60 waived resolve reason=agreed; 200 now
=> 50 escalated resolve due 100 50% -> owner; 60 waived resolve due 100 (agreed)

== Levels 2: a pause holds it, and after it whoever was notified has the whole time again
clocks: {resolve: {budget: {P1: 100m}, pause: [any], escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 90%, notify: [lead]}]}}
0 opened P1; 60 paused x; 200 resumed x; 216 now; 220 resolved
=> 50 escalated resolve due 100 50% -> owner; 215 escalated resolve due 240 90% (not_acknowledged) -> lead; 220 met resolve due 240

== Levels 2: acknowledged in the pause is acknowledged
clocks: {resolve: {budget: {P1: 100m}, pause: [any], escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 90%, notify: [lead]}]}}
0 opened P1; 60 paused x; 100 acknowledged; 200 resumed x; 220 resolved
=> 50 escalated resolve due 100 50% -> owner; 220 met resolve due 240

== Levels 2: its time may count on a calendar
clocks: {resolve: {budget: {P1: 400m}, escalate: [{at: 100%, notify: [owner], ack_within: "1h @office"}, {at: "100% + 90h", notify: [lead]}]}}
0 opened P1; 1500 resolved
=> 400 breached resolve due 400; 400 escalated resolve due 400 100% -> owner; 1420 escalated resolve due 400 100% + 90h (not_acknowledged) -> lead
=> 1500 stopped_late resolve due 400

== Levels 2: a calendar that changes moves the end of a wait that counts on it
calendar shop: {zone: UTC, hours: {mon-sun: ["08:00-18:00"]}}
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: "30m @shop"}, {at: "100% + 9h", notify: [lead]}]}}
reload:
calendar shop: {zone: UTC, hours: {mon-sun: ["08:00-11:00", "12:00-18:00"]}}
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: "30m @shop"}, {at: "100% + 9h", notify: [lead]}]}}
0 opened P1; 60 reload; 200 resolved
=> 50 escalated resolve due 100 50% -> owner; 100 breached resolve due 100; 140 escalated resolve due 100 100% + 9h (not_acknowledged) -> lead
=> 200 stopped_late resolve due 100

== Levels 2: another target begins the levels anew
clocks: {resolve: {budget: {P0: 60m, P1: 100m, P2: 200m}, escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 90%, notify: [lead]}]}}
0 opened P1; 55 updated P2; 90 now; 110 updated P0; 120 resolved
=> 50 escalated resolve due 100 50% -> owner; 100 escalated resolve due 200 50% -> owner; 110 breached resolve due 60 (retarget)
=> 110 escalated resolve due 60 90% -> lead; 120 stopped_late resolve due 60

== Levels 2: a severity that owes nothing ends it, and the levels that were said stay said
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 90%, notify: [lead]}]}}
0 opened P1; 55 updated P3; 60 updated P1; 94 now; 99 resolved
=> 50 escalated resolve due 100 50% -> owner; 55 cancelled resolve due 100 (no_target); 95 escalated resolve due 105 90% -> lead
=> 99 met resolve due 105

== Levels 2: overtaken levels collapse into the highest, and that one waits
clocks: {resolve: {budget: {P1: 100m}, anchor: reported, escalate: [{at: 25%, notify: [owner], ack_within: 5m}, {at: 50%, notify: [lead], ack_within: 10m}, {at: 100%, notify: [boss]}]}}
0 opened P1 reported_at=@-60; 11 now; 20 resolved
=> 0 escalated resolve due 40 50% -> lead; 10 escalated resolve due 40 100% (not_acknowledged) -> boss; 20 met resolve due 40

== Levels 2: told late of an acknowledgement, what was said for want of it is taken back
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 75%, notify: [lead]}]}}
0 opened P1; 66 now; 60 acknowledged :ack; 70 resolved
=> 50 escalated resolve due 100 50% -> owner; 65 escalated resolve due 100 75% (not_acknowledged) -> lead
=> 65 retracted escalated resolve due 100 75% (not_acknowledged) -> lead by ack; 70 met resolve due 100

== Levels 2: told late of it when the threshold was passed meanwhile, what was said is amended
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 75%, notify: [lead], ack_within: 10m}, {at: 100%, notify: [boss]}]}}
0 opened P1; 80 now; 60 acknowledged :ack; 82 acknowledged; 90 resolved
=> 50 escalated resolve due 100 50% -> owner; 65 escalated resolve due 100 75% (not_acknowledged) -> lead
=> 75 escalated resolve due 100 100% (not_acknowledged) -> boss; 75 retracted escalated resolve due 100 100% (not_acknowledged) -> boss by ack
=> 75 amended escalated resolve due 100 75% -> lead by ack; 90 met resolve due 100

== Levels 2: where a budget has another order of them, the last of that order waits for nobody
clocks: {resolve: {budget: {P1: 40m, P2: 100m}, escalate: [{at: 50%, notify: [owner], ack_within: 5m}, {at: 30m before due, notify: [lead]}]}}
0 opened P1; 39 resolved
=> 10 escalated resolve due 40 30m before due -> lead; 20 escalated resolve due 40 50% -> owner; 39 met resolve due 40

== Levels 2: the last level has nobody to go on to
clocks: {resolve: {budget: {P1: 100m}, escalate: [{at: 50%, notify: [owner]}, {at: 75%, notify: [lead], ack_within: 10m}]}}
=> !refused clocks.resolve.escalate[1].ack_within
"""


@pytest.mark.parametrize("case", [pytest.param(case, id=case.rule) for case in cases(OWED)])
def test_rule(case: Case) -> None:
    assert play(case) == case.expected
