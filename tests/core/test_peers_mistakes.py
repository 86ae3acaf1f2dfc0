"""What peers get wrong about clocks and calendars, by product and issue, in the notation of `case_notation`."""

# ruff: noqa: E501  # a line of facts stays a line

import pytest
from case_notation import Case, cases, play

PEERS = """
== Peers: GLPI #6902: raised while pending, the waiting time before is kept and it waits on
clocks: {resolve: {budget: {P0: 60m, P1: 120m}, pause: [pending_customer]}}
0 opened P1; 10 paused pending_customer; 90 updated P0; 130 resumed pending_customer; 175 resolved
=> 175 met resolve due 180

== Peers: GLPI #15605: days on hold before the target changed are not counted by the new target
clocks: {resolve: {budget: {P1: 120m, P2: 240m}, pause: [on_hold]}}
0 opened P1; 60 paused on_hold; 4380 resumed on_hold; 4400 updated P2; 4500 resolved
=> 4500 met resolve due 4560

== Peers: GLPI #24481: nothing is breached while it is pending
clocks: {resolve: {budget: {P1: 60m}, pause: [pending_vendor], escalate: [{at: 100%, notify: [lead]}]}}
0 opened P1; 30 paused pending_vendor; 10000 now; 10010 resumed pending_vendor; 10039 resolved
=> 10039 met resolve due 10040

== Peers: GLPI #23359: the time between solution and reopening is neither work nor waiting
show: elapsed
clocks: {resolve: {budget: {P1: 60m}, pause: [pending_customer]}}
0 opened P1; 30 resolved; 500 reopened; 520 resolved
=> 30 met resolve due 60 elapsed 30; 520 met resolve due 530 elapsed 50

== Peers: Zammad #5624: where another group owes no update, the update that was due is gone
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 20 updated P3 team=sales; 300 now
=> nothing

== Peers: Zammad #4353: without a target an escalated ticket is not notified of any more
clocks: {resolve: {budget: {P1: 60m}, escalate: [{at: "100% + 1h", notify: [lead]}]}}
0 opened P1; 70 updated P3; 500 now
=> 60 breached resolve due 60; 70 cancelled resolve due 60 (no_target)

== Peers: Zammad #5177: a shorter interval for updates does not overrule the first response
clocks: {first_response: {budget: {P1: 60m}}, next_response: {budget: {P1: 10m}}}
cadence: {customer: {every: {P1: 240m}}}
0 opened P1; 0 message_received; 50 message_sent; 51 now
=> 50 met first_response due 60

== Peers: Chatwoot #10178: the customer's last thanks do not count on after the resolution
clocks: {next_response: {budget: {P1: 30m}}}
0 opened P1; 5 message_sent; 10 message_received; 20 resolved; 25 message_received; 500 now
=> 20 met next_response due 40 (resolved)

== Peers: Libredesk #70: a closed ticket alerts of nothing
risk: [75%]
clocks: {triage: {budget: {P1: 40m}}, first_response: {budget: {P1: 40m}}, resolve: {budget: {P1: 60m}, escalate: [{at: 100%, notify: [lead]}]}}
cadence: {customer: {every: {P1: 30m}}}
0 opened P1; 20 closed; 500 now
=> 20 met triage due 40 (resolved); 20 met first_response due 40 (resolved); 20 met resolve due 60

== Peers: Chatwoot #14009: two openings a day, nothing counts between them
begins: 2026-11-02T11:30Z
calendar split: {zone: UTC, hours: {mon-fri: ["08:00-12:00", "13:30-18:00"]}}
clocks: {first_response: {budget: {P1: 1h @split}}}
0 opened P1; 151 now
=> 150 breached first_response due 150

== Peers: Frappe Helpdesk #2212: a ticket of the lunch hour counts from its end
begins: 2026-11-02T12:15Z
calendar split: {zone: UTC, hours: {mon-fri: ["09:00-12:00", "13:00-18:00"]}}
clocks: {first_response: {budget: {P1: 30m @split}}}
0 opened P1; 75 message_sent
=> 75 met first_response due 75

== Peers: Zammad #1002: a customer has a calendar of its own
calendar tokyo: {zone: Asia/Tokyo, hours: {mon-fri: ["09:00-17:00"]}}
--- acme
match: {customer: acme}
clocks: {first_response: {budget: {P1: 1h @tokyo}}}
--- everyone
clocks: {first_response: {budget: {P1: 1h @office}}}
0 opened P1 customer={id:acme}; 1000 now      # 19:00 in Tokyo: due at 10:00 there, 01:00 UTC
=> 900 breached first_response due 900

== Peers: DeskDirector #644: holidays of one customer do not close the others
calendar kiwi: {zone: Pacific/Auckland, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
--- acme
match: {customer: acme}
clocks: {first_response: {budget: {P1: 1h @kiwi}}}
--- everyone
clocks: {first_response: {budget: {P1: 1h @office}}}
0 opened P1 customer={id:other}; 61 now
=> 60 breached first_response due 60

== Peers: Frappe Helpdesk #1895: each tier's time is a clock of its own
show: elapsed
clocks: {tier_two: {start: {paused: with_tier_two}, stop: {resumed: with_tier_two}, budget: {P1: 60m}}, resolve: {budget: {P1: 240m}}}
0 opened P1; 90 paused with_tier_two; 120 resumed with_tier_two; 200 resolved
=> 120 met tier_two due 150 elapsed 30; 200 met resolve due 240 elapsed 200

== Peers: GLPI #1911: the group that takes over has its whole budget from then on
clocks: {group_two: {start: {paused: with_group_two}, stop: {resumed: with_group_two}, budget: {P1: 60m}}}
0 opened P1; 90 paused with_group_two; 149 resumed with_group_two
=> 149 met group_two due 150

== Peers: dbt_zendesk #25: hours of last winter count by last winter's offset, whenever they are asked for
begins: 2026-03-27T16:00+01:00
calendar shop: {zone: Europe/Berlin, hours: {mon-fri: ["09:00-17:00"]}}
clocks: {resolve: {budget: {P1: 2h @shop}}}
0 opened P1; 6000 now                         # Friday 16:00 in winter time; Monday is an hour shorter away
=> 3900 breached resolve due 3900

== Peers: dbt_zendesk #154: the night on which clocks change is as long as it was
begins: 2026-10-24T22:00+02:00
calendar night: {zone: Europe/Berlin, hours: {sat: ["22:00-06:00"]}}
clocks: {resolve: {budget: {P1: 9h @night}}}
0 opened P1; 541 now
=> 540 breached resolve due 540

== Peers: dbt_zendesk #100: of a merged ticket one verdict counts, and only one
clocks: {first_response: {budget: {P1: 60m}}, resolve: {budget: {P1: 60m}}}
0 opened P1; 10 message_sent; 20 merged desk:2; 25 message_sent; 30 resolved; 300 now
=> 10 met first_response due 60; 20 cancelled resolve due 60 (merged)

== Peers: Zammad #3410: what is merged away is never reported late
clocks: {first_response: {budget: {P1: 60m}}}
0 opened P1; 20 merged desk:2; 300 now; 310 closed
=> 20 cancelled first_response due 60 (merged)

== Peers: GLPI #2408: one alert, however often it is looked at
risk: [75%]
clocks: {resolve: {budget: {P1: 60m}, escalate: [{at: 100%, notify: [lead]}]}}
0 opened P1; 46 now; 47 now; 48 updated title=again; 61 now; 62 now; 63 updated title=more; 900 now
=> 45 breach_risk resolve due 60 75%; 60 breached resolve due 60; 60 escalated resolve due 60 100% -> lead

== Peers: Airflow #50481: a miss is said once, also when what was late has ended
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 61 now; 400 now; 500 resolved; 900 now
=> 60 breached resolve due 60; 500 stopped_late resolve due 60

== Peers: Airflow #46935: a miss is said when it is due, though what is late never ends
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1; 61 now
=> 60 breached resolve due 60

== Peers: Zammad #4432: no warning outside the hours of the calendar
begins: 2026-11-02T16:00Z
risk: [50%]
clocks: {resolve: {budget: {P1: 4h @office}}}
0 opened P1; 1200 now                         # two of four hours are used on Tuesday at 10:00
=> 1080 breach_risk resolve due 1200 50%

== Peers: Grafana OnCall #4846: escalation waits until somebody works again
begins: 2026-11-02T16:00Z
clocks: {resolve: {budget: {P1: 1h @office}, escalate: [{at: "100% + 1h", notify: [lead]}]}}
0 opened P1; 1100 now                         # breached at the close, the level on Tuesday at 10:00
=> 60 breached resolve due 60; 1080 escalated resolve due 60 100% + 1h -> lead

== Peers: Grafana OnCall #558: the weekend is no time to escalate
begins: 2026-11-06T16:00Z
clocks: {resolve: {budget: {P1: 1h @office}, escalate: [{at: "100% + 1h", notify: [lead]}]}}
0 opened P1; 5000 now                         # a Friday; the level on Monday at 10:00
=> 60 breached resolve due 60; 3960 escalated resolve due 60 100% + 1h -> lead

== Peers: Grafana OnCall #3111: nothing is paged after the resolution
clocks: {resolve: {budget: {P1: 60m}, escalate: [{at: 100%, notify: [lead]}, {at: "100% + 1h", notify: [director]}]}}
0 opened P1; 70 resolved; 900 now
=> 60 breached resolve due 60; 60 escalated resolve due 60 100% -> lead; 70 stopped_late resolve due 60

== Peers: Grafana OnCall #4760: an acknowledgement stops the paging that asked for one
clocks: {acknowledge: {budget: {P1: 15m}, escalate: [{at: 100%, notify: [owner]}, {at: "100% + 15m", notify: [lead]}]}}
0 opened P1; 20 acknowledged; 900 now
=> 15 breached acknowledge due 15; 15 escalated acknowledge due 15 100% -> owner; 20 stopped_late acknowledge due 15

== Peers: Grafana OnCall #275: the next is notified only while nobody has acknowledged
clocks: {resolve: {budget: {P1: 2h}, escalate: [{at: 25%, notify: [owner], ack_within: 5m}, {at: 50%, notify: [second], ack_within: 5m}, {at: 75%, notify: [lead]}]}}
0 opened P1; 38 acknowledged; 80 resolved
=> 30 escalated resolve due 120 25% -> owner; 35 escalated resolve due 120 50% (not_acknowledged) -> second; 80 met resolve due 120

== Peers: Frappe Helpdesk #1598: an escalation that a policy exempts owes nothing
--- exempt
match: {tags_any: [no_sla]}
--- everyone
clocks: {resolve: {budget: {P1: 60m}}}
0 opened P1 tags=no_sla; 900 now
=> nothing

== Peers: banjaxed #25: silence is noticed by itself
cadence: {internal: {every: {P1: 60m}}}
0 opened P1; 121 now
=> 60 cadence_missed internal_update due 60 x1; 120 cadence_missed internal_update due 120 x2

== Peers: Frappe Helpdesk #2449: hold time counts in business hours, a hold over the night takes none
clocks: {resolve: {budget: {P1: 8h @office}, pause: [on_hold]}}
0 opened P1; 420 paused on_hold; 1380 resumed on_hold; 1441 now
=> 1440 breached resolve due 1440

== Peers: alga-psa #3091: created in a status that pauses, it starts paused
clocks: {resolve: {budget: {P1: 60m}, pause: [waiting]}}
0 opened P1; 0 paused waiting; 500 resumed waiting; 561 now
=> 560 breached resolve due 560
"""


@pytest.mark.parametrize("case", [pytest.param(case, id=case.rule) for case in cases(PEERS)])
def test_what_peers_get_wrong(case: Case) -> None:
    assert play(case) == case.expected
