"""When a breach exposes a credit, and how much of the fee: a case a rule, in the notation of `case_notation`."""

# ruff: noqa: E501  # a line of facts stays a line

import pytest
from case_notation import Case, cases, play

CREDITS = """
== Credits 1: a breach exposes the credit of its tier, and each higher tier that its overrun passes
picture: credits-1
clocks: {resolve: {budget: {P0: 1h}}}
credits:
- {metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}
- {metric: resolve, severity: [P0], overrun: {at_least: 2h}, credit: 25%}
0 opened P0; 200 resolved
=> 60 breached resolve due 60; 60 credit_exposed resolve due 60 100% owes 10%
=> 180 credit_exposed resolve due 60 100% + 2h owes 25%; 200 stopped_late resolve due 60

== Credits 1: stopped at the very instant of the overrun it is not passed
clocks: {resolve: {budget: {P0: 1h}}}
credits: [{metric: resolve, severity: [P0], overrun: {at_least: 2h}, credit: 25%}]
0 opened P0; 180 resolved; 600 now
=> 60 breached resolve due 60; 180 stopped_late resolve due 60

== Credits 1: met in time exposes none
clocks: {resolve: {budget: {P0: 1h}}}
credits: [{metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}]
0 opened P0; 60 resolved; 600 now
=> 60 met resolve due 60

== Credits 1: a tier that is no more than an earlier one is not said
clocks: {resolve: {budget: {P0: 1h}}}
credits:
- {metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}
- {metric: resolve, severity: [P0], overrun: {at_least: 1h}, credit: 10%}
- {metric: resolve, severity: [P0], overrun: {at_least: 2h}, credit: 5%}
0 opened P0; 600 now
=> 60 breached resolve due 60; 60 credit_exposed resolve due 60 100% owes 10%

== Credits 1: of a start that is back-dated the credit is exposed when that is known
clocks: {first_response: {budget: {P0: 1h}}}
credits: [{metric: first_response, severity: [P0], overrun: {at_least: 30m}, credit: 10%}]
0 opened P0; 20 contact_inherited @-100; 30 message_sent public=true
=> -40 breached first_response due -40; 20 credit_exposed first_response due -40 100% + 30m owes 10%
=> 30 stopped_late first_response due -40

== Credits 2: the overrun counts on the clock's calendar
clocks: {resolve: {budget: {P0: 6h @office}}}
credits: [{metric: resolve, severity: [P0], overrun: {at_least: 2h}, credit: 25%}]
0 opened P0; 1441 now
=> 360 breached resolve due 360; 1440 credit_exposed resolve due 360 100% + 2h owes 25%

== Credits 2: a pause holds the overrun
clocks: {resolve: {budget: {P0: 1h}, pause: [any]}}
credits: [{metric: resolve, severity: [P0], overrun: {at_least: 1h}, credit: 25%}]
0 opened P0; 90 paused x; 500 resumed x; 600 now
=> 60 breached resolve due 60; 530 credit_exposed resolve due 60 100% + 1h owes 25%

== Credits 2: resolved and reopened, the overrun goes on, and no tier is said twice
clocks: {resolve: {budget: {P0: 1h}}}
credits:
- {metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}
- {metric: resolve, severity: [P0], overrun: {at_least: 1h}, credit: 25%}
0 opened P0; 90 resolved; 500 reopened; 600 now
=> 60 breached resolve due 60; 60 credit_exposed resolve due 60 100% owes 10%; 90 stopped_late resolve due 60
=> 530 credit_exposed resolve due 60 100% + 1h owes 25%

== Credits 3: the tiers are those of the severity of now; what was exposed stays
picture: credits-3
clocks: {resolve: {budget: {P0: 1h, P1: 2h}}}
credits:
- {metric: resolve, severity: [P0, P1], overrun: {at_least: 0s}, credit: 10%}
- {metric: resolve, severity: [P0], overrun: {at_least: 1h}, credit: 25%}
0 opened P0; 90 updated P1; 600 updated P0; 700 resolved
=> 60 breached resolve due 60; 60 credit_exposed resolve due 60 100% owes 10%
=> 600 credit_exposed resolve due 60 100% + 1h owes 25%; 700 stopped_late resolve due 60

== Credits 3: an upgrade that is already over exposes the highest tier that it has passed
clocks: {resolve: {budget: {P0: 1h, P1: 8h}}}
credits:
- {metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}
- {metric: resolve, severity: [P0], overrun: {at_least: 1h}, credit: 25%}
- {metric: resolve, severity: [P0], overrun: {at_least: 4h}, credit: 50%}
0 opened P1; 150 updated P0; 160 resolved
=> 150 breached resolve due 60 (retarget); 150 credit_exposed resolve due 60 100% + 1h owes 25%; 160 stopped_late resolve due 60

== Credits 3: with the same budget too
clocks: {resolve: {budget: {P0: 1h, P1: 1h}}}
credits: [{metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}]
0 opened P1; 90 updated P0; 100 resolved
=> 60 breached resolve due 60; 90 credit_exposed resolve due 60 100% owes 10%; 100 stopped_late resolve due 60

== Credits 3: a review keeps the tiers of the gravest severity
clocks: {rca_summary: {budget: {P0: 1h}}}
credits: [{metric: rca_summary, severity: [P0], overrun: {at_least: 0s}, credit: 5%}]
0 opened P0; 10 updated P3; 20 resolved; 90 now
=> 80 breached rca_summary due 80; 80 credit_exposed rca_summary due 80 100% owes 5%

== Credits 4: waived or cancelled, no further tier is passed
clocks: {resolve: {budget: {P0: 1h}}}
credits:
- {metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}
- {metric: resolve, severity: [P0], overrun: {at_least: 2h}, credit: 25%}
0 opened P0; 90 waived resolve reason=agreed; 600 now
=> 60 breached resolve due 60; 60 credit_exposed resolve due 60 100% owes 10%; 90 waived resolve due 60 (agreed)

== Credits 4: a breach that is retracted retracts its credit
picture: credits-4
clocks: {resolve: {budget: {P0: 1h}}}
credits: [{metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}]
0 opened P0; 90 now; 50 resolved :late
=> 60 breached resolve due 60; 60 credit_exposed resolve due 60 100% owes 10%
=> 60 retracted breached resolve due 60 by late; 60 retracted credit_exposed resolve due 60 100% owes 10% by late; 50 met resolve due 60

== Credits 4: a late stop takes back the higher tier alone
clocks: {resolve: {budget: {P0: 1h}}}
credits:
- {metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}
- {metric: resolve, severity: [P0], overrun: {at_least: 1h}, credit: 25%}
0 opened P0; 200 now; 90 resolved :late
=> 60 breached resolve due 60; 60 credit_exposed resolve due 60 100% owes 10%; 120 credit_exposed resolve due 60 100% + 1h owes 25%
=> 120 retracted credit_exposed resolve due 60 100% + 1h owes 25% by late; 90 stopped_late resolve due 60

== Credits 5: a silence exposes its tiers from the first update that was missed
picture: credits-5
cadence: {customer: {every: {P0: 30m}}}
credits:
- {metric: customer_update, severity: [P0], overrun: {at_least: 0s}, credit: 2%}
- {metric: customer_update, severity: [P0], overrun: {at_least: 45m}, credit: 5%}
0 opened P0; 80 update_published customer; 111 now
=> 30 cadence_missed customer_update due 30 x1; 30 credit_exposed customer_update due 30 100% owes 2%
=> 60 cadence_missed customer_update due 60 x2; 75 credit_exposed customer_update due 30 100% + 45m owes 5%
=> 80 stopped_late customer_update x2
=> 110 cadence_missed customer_update #2 due 110 x1; 110 credit_exposed customer_update #2 due 110 100% owes 2%

== Credits 5: with a tier no warning is given, though the interval that runs would have one
risk: [30m before due]
cadence: {customer: {every: {P0: 60m}, first: {P0: 20m}}}
credits: [{metric: customer_update, severity: [P0], overrun: {at_least: 40m}, credit: 5%}]
0 opened P0; 79 now
=> 20 cadence_missed customer_update due 20 x1; 60 credit_exposed customer_update due 20 100% + 40m owes 5%

== Credits 5: a change of severity brings the other tiers
cadence: {customer: {every: {P0: 30m, P1: 30m}}}
credits: [{metric: customer_update, severity: [P0], overrun: {at_least: 10m}, credit: 5%}]
0 opened P1; 50 updated P0; 55 now
=> 30 cadence_missed customer_update due 30 x1; 50 credit_exposed customer_update due 30 100% + 10m owes 5%

== Credits 5: what the other severity's tier comes to at the very instant of the change is not passed yet
cadence: {customer: {every: {P0: 30m, P1: 30m}}}
credits: [{metric: customer_update, severity: [P0], overrun: {at_least: 10m}, credit: 5%}]
0 opened P1; 40 updated P0 /1; 40 update_published customer /2; 55 now
=> 30 cadence_missed customer_update due 30 x1; 40 stopped_late customer_update x1

== Credits 5: nor is what another version's tier comes to at the very instant of the rebase
--- standard
cadence: {customer: {every: {P0: 60m}}}
--- standard 20
cadence: {customer: {every: {P0: 60m}}}
credits: [{metric: customer_update, severity: [P0], overrun: {at_least: 10m}, credit: 5%}]
0 opened P0; 70 rebased standard 20 /1; 70 update_published customer /2; 99 now
=> 60 cadence_missed customer_update due 60 x1; 70 stopped_late customer_update x1

== Credits 5: credits of a new version are exposed at the rebase, none of the old one twice
--- standard
cadence: {customer: {every: {P0: 60m}}}
credits: [{metric: customer_update, severity: [P0], overrun: {at_least: 0s}, credit: 2%}]
--- standard 20
cadence: {customer: {every: {P0: 60m}}}
credits:
- {metric: customer_update, severity: [P0], overrun: {at_least: 0s}, credit: 1%}
- {metric: customer_update, severity: [P0], overrun: {at_least: 10m}, credit: 2%}
- {metric: customer_update, severity: [P0], overrun: {at_least: 20m}, credit: 3%}
- {metric: customer_update, severity: [P0], overrun: {at_least: 45m}, credit: 5%}
0 opened P0; 90 rebased standard 20; 119 now
=> 60 cadence_missed customer_update due 60 x1; 60 credit_exposed customer_update due 60 100% owes 2%
=> 90 credit_exposed customer_update due 60 100% + 20m owes 3%; 105 credit_exposed customer_update due 60 100% + 45m owes 5%
"""


@pytest.mark.parametrize("case", [pytest.param(case, id=case.rule) for case in cases(CREDITS)])
def test_rule(case: Case) -> None:
    assert play(case) == case.expected
