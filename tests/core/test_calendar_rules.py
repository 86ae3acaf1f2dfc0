"""How clocks count on business calendars, a case a rule, in the notation of `case_notation`."""

# ruff: noqa: E501  # a line of facts stays a line

import pytest
from case_notation import Case, cases, play

CALENDARS = """
== Calendars 1: several intervals a day
picture: calendars-1
calendar lunch: {zone: UTC, hours: {mon-fri: ["09:00-12:00", "13:00-17:00"]}}
clocks: {resolve: {budget: {P1: 3h @lunch}}}
0 opened P1; 300 now                          # 10:00-12:00, then 13:00-14:00
=> 240 breached resolve due 240

== Calendars 1: 24:00 joins two days
calendar days: {zone: UTC, hours: {mon-tue: ["12:00-24:00"], wed-fri: ["00:00-12:00"]}}
clocks: {resolve: {budget: {P1: 25h @days}}}
0 opened P1; 3500 now                         # Monday 12-24, Tuesday 12-24, one hour of Wednesday
=> 2340 breached resolve due 2340

== Calendars 1: overnight hours belong to the date they open on
picture: calendars-1-overnight
calendar night: {zone: UTC, hours: {mon-fri: ["22:00-06:00"]}, holidays: {dates: {2026-11-03: closed}}}
clocks: {resolve: {budget: {P1: 10h @night}}}
0 opened P1; 4000 now                         # Monday's night runs into the closed Tuesday, the next opens on Wednesday
=> 3720 breached resolve due 3720

== Calendars 1: a half day ends early
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: ["09:00-12:00"]}}}
clocks: {resolve: {budget: {P1: 11h @shop}}}
0 opened P1; 3000 now                         # 7 h of Monday, 3 h of Tuesday, 1 h of Wednesday
=> 2880 breached resolve due 2880

== Calendars 1: public holidays of a country are closed
begins: 2026-12-24T10:00+01:00
calendar shop: {zone: Europe/Berlin, hours: {mon-fri: ["09:00-17:00"]}, holidays: {country: DE}}
clocks: {resolve: {budget: {P1: 8h @shop}}}
0 opened P1; 6000 now                         # Thursday; Friday the 25th and the weekend are closed
=> 5760 breached resolve due 5760

== Calendars 1: new hours count from their date on
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, business_day: 8h}
calendar shop: {zone: UTC, hours: {mon-fri: ["12:00-16:00"]}, business_day: 8h, effective_from: 2026-11-03}
clocks: {resolve: {budget: {P1: 9h @shop}}}
0 opened P1; 2000 now                         # 7 h of Monday, then Tuesday from 12:00
=> 1680 breached resolve due 1680

== Calendars 2: a start outside hours moves to the opening
picture: calendars-2
begins: 2026-11-02T20:00Z
clocks: {resolve: {budget: {P1: 2h @office}}}
0 opened P1; 1000 now                         # until Tuesday 11:00
=> 900 breached resolve due 900

== Calendars 2: a budget that ends exactly at a close is due at the close
picture: calendars-2-close
clocks: {resolve: {budget: {P1: 7h @office}}}
0 opened P1; 1390 resolved
=> 420 breached resolve due 420; 1390 stopped_late resolve due 420

== Calendars 3: a day of spring has 23 hours
picture: calendars-3
begins: 2026-03-28T12:00+01:00
calendar all: {zone: Europe/Berlin, hours: {sun: ["00:00-24:00"], mon: ["12:00-24:00"]}}
clocks: {resolve: {budget: {P1: 24h @all}}}
0 opened P1; 3000 now                         # 23 h of Sunday, one of Monday from 12:00
=> 2880 breached resolve due 2880

== Calendars 3: a day of autumn has 25 hours
begins: 2026-10-24T12:00+02:00
calendar all: {zone: Europe/Berlin, hours: {sun: ["00:00-24:00"], mon: ["12:00-24:00"]}}
clocks: {resolve: {budget: {P1: 26h @all}}}
0 opened P1; 4000 now
=> 3000 breached resolve due 3000

== Calendars 3: an opening that does not exist moves to the first valid instant
begins: 2026-03-29T00:00+01:00
calendar early: {zone: Europe/Berlin, hours: {sun: ["02:30-10:00"]}}
clocks: {resolve: {budget: {P1: 1h @early}}}
0 opened P1; 300 now                          # 02:30 is skipped: open from 03:00, which is 120 minutes on
=> 180 breached resolve due 180

== Calendars 3: a closing that does not exist moves there, too
begins: 2026-03-29T00:00+01:00
calendar late: {zone: Europe/Berlin, hours: {sun: ["00:00-02:30"]}}
clocks: {resolve: {budget: {P1: 2h @late}}}
0 opened P1; 121 now
=> 120 breached resolve due 120

== Calendars 3: an ambiguous opening is the first, an ambiguous closing the second
begins: 2026-10-25T00:00+02:00
calendar early: {zone: Europe/Berlin, hours: {sun: ["02:30-10:00"]}}
calendar late: {zone: Europe/Berlin, hours: {sun: ["00:00-02:30"]}}
clocks: {resolve: {budget: {P1: 30m @early}}, acknowledge: {budget: {P1: 210m @late}}}
0 opened P1; 300 now
=> 180 breached resolve due 180; 210 breached acknowledge due 210

== Calendars 4: a new holiday reaches a clock that runs on through it
picture: calendars-4
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
clocks: {resolve: {budget: {P1: 8h @shop}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
clocks: {resolve: {budget: {P1: 8h @shop}}}
0 opened P1; 10 reload; 4000 now
=> 2880 breached resolve due 2880

== Calendars 4: and one that was paused
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
clocks: {resolve: {budget: {P1: 8h @shop}, pause: [any]}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
clocks: {resolve: {budget: {P1: 8h @shop}, pause: [any]}}
0 opened P1; 10 paused x; 20 reload; 30 resumed x; 4000 now
=> 2900 breached resolve due 2900

== Calendars 4: a holiday that is taken back makes it due sooner, and late at once
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
clocks: {resolve: {budget: {P1: 8h @shop}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
clocks: {resolve: {budget: {P1: 8h @shop}}}
0 opened P1; 2000 reload; 2010 now
=> 1440 breached resolve due 1440

== Calendars 4: hours that were corrected behind it count anew, pauses too
show: elapsed
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
clocks: {resolve: {budget: {P1: 8h @shop}, pause: [any]}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-12:00", "12:30-17:30"]}}
clocks: {resolve: {budget: {P1: 8h @shop}, pause: [any]}}
0 opened P1; 130 paused x; 140 resumed x; 150 reload; 200 resolved
=> 200 met resolve due 1440 elapsed 170

== Calendars 4: a warning that was said is not said again
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
risk: [75%]
clocks: {resolve: {budget: {P1: 8h @shop}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
risk: [75%]
clocks: {resolve: {budget: {P1: 8h @shop}}}
0 opened P1; 1400 now; 1410 reload; 4000 now
=> 360 breach_risk resolve due 1440 75%; 2880 breached resolve due 2880

== Calendars 4: the next update is owed after as much open time
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
cadence: {customer: {every: {P1: 8h @shop}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
cadence: {customer: {every: {P1: 8h @shop}}}
0 opened P1; 10 reload; 2881 now
=> 2880 cadence_missed customer_update due 2880 x1

== Calendars 4: what was missed is not missed again where the hours behind it grew
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-12:00", "13:00-17:00"]}}
cadence: {customer: {every: {P1: 60m @shop}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
cadence: {customer: {every: {P1: 60m @shop}}}
0 opened P1; 310 now; 311 reload; 361 now
=> 60 cadence_missed customer_update due 60 x1; 120 cadence_missed customer_update due 120 x2
=> 240 cadence_missed customer_update due 240 x3; 300 cadence_missed customer_update due 300 x4
=> 360 cadence_missed customer_update due 360 x5

== Calendars 4: and warned of by its new end, once
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
cadence: {customer: {every: {P1: 8h @shop}, risk: [50%, 95%]}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
cadence: {customer: {every: {P1: 8h @shop}, risk: [50%, 95%]}}
0 opened P1; 250 now; 260 reload; 2881 now
=> 240 breach_risk customer_update due 1440 50%; 2856 breach_risk customer_update due 2880 95%; 2880 cadence_missed customer_update due 2880 x1

== Calendars 4: a stated time binds as it was stated
show: target
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
cadence: {customer: {every: {P1: 16h @shop}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
cadence: {customer: {every: {P1: 16h @shop}}}
0 opened P1; 5 update_published customer next_update_at=@1440; 10 reload; 1441 now
=> 5 met customer_update due 2880 target 960; 1440 cadence_missed customer_update #2 due 1440 x1 target 415

== Calendars 4: a stated time that lay behind the interval binds once the interval ends behind it
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
cadence: {customer: {every: {P1: 16h @shop}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
cadence: {customer: {every: {P1: 16h @shop}}}
0 opened P1; 5 update_published customer next_update_at=@2900; 10 reload; 2901 now
=> 5 met customer_update due 2880; 2900 cadence_missed customer_update #2 due 2900 x1

== Calendars 4: one that was missed binds no more
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
cadence: {customer: {every: {P1: 8h @shop}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
cadence: {customer: {every: {P1: 8h @shop}}}
0 opened P1; 5 update_published customer next_update_at=@30; 40 reload; 2911 now
=> 5 met customer_update due 1440; 30 cadence_missed customer_update #2 due 30 x1; 2910 cadence_missed customer_update #2 due 2910 x2

== Calendars 4: what is due at the very instant of the change is missed as ever
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
cadence: {customer: {every: {P1: 60m}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-12-24: closed}}}
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 120 message_received; 120 reload; 181 now
=> 60 cadence_missed customer_update due 60 x1; 120 cadence_missed customer_update due 120 x2; 180 cadence_missed customer_update due 180 x3

== Calendars 4: a first interval around the clock that ends in closed hours stays
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
cadence: {customer: {every: {P1: 4h @shop}, first: {P1: 30m}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-12-24: closed}}}
cadence: {customer: {every: {P1: 4h @shop}, first: {P1: 30m}}}
600 opened P1; 610 reload; 631 now
=> 630 cadence_missed customer_update due 630 x1

== Calendars 4: and one that a new holiday lies under
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
cadence: {customer: {every: {P1: 4h @shop}, first: {P1: 30m}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
cadence: {customer: {every: {P1: 4h @shop}, first: {P1: 30m}}}
1430 opened P1; 1435 reload; 1461 now
=> 1460 cadence_missed customer_update due 1460 x1

== Calendars 4: so does what another severity had led to, where the open time before it is the same
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
cadence: {customer: {every: {P0: 4h @shop, P1: 60m}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-12-24: closed}}}
cadence: {customer: {every: {P0: 4h @shop, P1: 60m}}}
380 opened P1; 400 updated P0; 430 reload; 441 now
=> 440 cadence_missed customer_update due 440 x1

== Calendars 4: a stated time that bound no more does not bind again
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
cadence: {customer: {every: {P1: 60m, P2: 120m}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-12-24: closed}}}
cadence: {customer: {every: {P1: 60m, P2: 120m}}}
0 opened P1; 10 update_published customer next_update_at=@30; 30 updated P2; 40 reload; 131 now
=> 10 met customer_update due 60; 130 cadence_missed customer_update #2 due 130 x1

== Calendars 4: nor does one that lay behind the rebase which brought its cadence
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
--- standard
clocks: {}
--- standard 20
cadence: {customer: {every: {P1: 60m}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-12-24: closed}}}
--- standard
clocks: {}
--- standard 20
cadence: {customer: {every: {P1: 60m}}}
0 opened P1; 10 update_published customer next_update_at=@30; 80 rebased standard 20; 85 reload; 91 now
=> 90 cadence_missed customer_update #2 due 90 x1

== Calendars 4: what is said again that day is said, too
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
clocks: {confirm: {budget: {P1: 24h}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-12-24: closed}}}
clocks: {confirm: {budget: {P1: 24h}}}
0 opened P1; 30 resolved; 2910 message_received internal; 2910 reload; 2911 now
=> 1470 breached confirm due 1470; 2910 overdue confirm due 1470 x1

== Calendars 4: a verdict that was given stays
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
clocks: {resolve: {budget: {P1: 8h @shop}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
clocks: {resolve: {budget: {P1: 8h @shop}}}
0 opened P1; 1441 now; 1500 reload; 1510 resolved
=> 1440 breached resolve due 1440; 1510 stopped_late resolve due 1440

== Calendars 4: and stays though a late event has everything derived again
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
clocks: {resolve: {budget: {P1: 8h @shop}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
clocks: {resolve: {budget: {P1: 8h @shop}}}
0 opened P1; 1441 now; 1500 reload; 20 message_sent :late; 4000 now
=> 1440 breached resolve due 1440

== Calendars 4: so does the verdict of a clock that a rebase left out since
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
--- standard
clocks: {resolve: {budget: {P1: 8h @shop}}}
--- standard 1500
clocks: {acknowledge: {budget: {P1: 300h}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
--- standard
clocks: {resolve: {budget: {P1: 8h @shop}}}
--- standard 1500
clocks: {acknowledge: {budget: {P1: 300h}}}
0 opened P1; 1441 now; 1445 resolved; 1500 rebased standard 1500; 1510 reload; 20 message_sent :late; 4000 now
=> 1440 breached resolve due 1440; 1445 stopped_late resolve due 1440

== Calendars 4: so does that of a role that the version since asks for at other severities alone
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
--- standard
war_room: {P1: {roles: [commander], staffed_within: 8h @shop, at_most: 2}}
--- standard 1500
war_room: {P0: {roles: [commander], staffed_within: 15m, at_most: 2}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
--- standard
war_room: {P1: {roles: [commander], staffed_within: 8h @shop, at_most: 2}}
--- standard 1500
war_room: {P0: {roles: [commander], staffed_within: 15m, at_most: 2}}
0 opened P1; 1441 now; 1500 rebased standard 1500; 1510 reload; 20 message_sent :late; 4000 now
=> 1440 breached role/commander due 1440; 1500 cancelled role/commander due 1440 (rebased)

== Calendars 4: an action item keeps the date that it was given, and its verdict
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
actions: {budget: {P1: 8h @shop}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
actions: {budget: {P1: 8h @shop}}
0 opened P1; 0 action_opened a :a; 0 action_opened b :b; 1441 now; 1445 action_completed a; 1500 reload; 20 message_sent :late; 1510 action_completed b
=> 1440 breached action/a due 1440; 1440 breached action/b due 1440; 1445 stopped_late action/a due 1440; 1510 stopped_late action/b due 1440

== Calendars 4: so does one in time that the calendar of now would call late
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
clocks: {resolve: {budget: {P1: 8h @shop}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
clocks: {resolve: {budget: {P1: 8h @shop}}}
0 opened P1; 1500 resolved; 1510 reload; 20 message_sent :late; 4000 now
=> 1500 met resolve due 2880

== Calendars 4: a late event that moves the clock itself has it judged by the calendar of now
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
clocks: {resolve: {budget: {P1: 8h @shop}}}
reload:
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, holidays: {dates: {2026-11-03: closed}}}
clocks: {resolve: {budget: {P1: 8h @shop}}}
0 opened P1; 1441 now; 1500 reload; 1430 resolved :late
=> 1440 breached resolve due 1440; 1440 retracted breached resolve due 1440 by late; 1430 met resolve due 2880

== Calendars 5: a calendar that never opens is refused when it is loaded
calendar shop: {zone: UTC, hours: {mon: closed}}
=> !refused hours

== Calendars 5: a day is refused in a business target
clocks: {resolve: {budget: {P1: 1d @office}}}
=> !refused clocks.resolve.budget.P1

== Calendars 5: one business day is the open time of the commonest weekday
picture: calendars-5
calendar shop: {zone: UTC, hours: {mon-thu: ["09:00-17:00"], fri: ["09:00-15:00"]}}
clocks: {resolve: {budget: {P1: 1bd @shop}}}
0 opened P1; 2000 now                         # 8 h: 7 of Monday, 1 of Tuesday
=> 1440 breached resolve due 1440

== Calendars 5: a business day that is stated wins
calendar shop: {zone: UTC, hours: {mon-fri: ["09:00-17:00"]}, business_day: 6h}
clocks: {resolve: {budget: {P1: 1bd @shop}}}
0 opened P1; 2000 now
=> 360 breached resolve due 360

== Calendars 6: a budget that ends years ahead is due where its open time has passed
clocks: {resolve: {budget: {P1: 2080h @office}}}
0 opened P1; 525000 now                       # 52 weeks of 40 h: the Monday a year on, at 10:00
=> 524160 breached resolve due 524160

== Calendars 7: a verdict names its calendar and the versions of calendar, time zones and holidays
picture: calendars-7
show: proof
clocks: {acknowledge: {budget: {P1: 15m}}, resolve: {budget: {P1: 1h @office}}}
0 opened P1; 10 acknowledged; 61 now
=> 10 met acknowledge due 15 proof always+versions; 60 breached resolve due 60 proof office+versions
"""


@pytest.mark.parametrize("case", [pytest.param(case, id=case.rule) for case in cases(CALENDARS)])
def test_rule(case: Case) -> None:
    assert play(case) == case.expected
