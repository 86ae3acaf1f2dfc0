"""Every input that is refused, a row each: the line, the field, and what the message says."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from files import CALENDAR, POLICY, policy, write

from engine.policies import PolicyErrors, Problem, load
from unprivileged import without_rights

# ruff: noqa: E501  # a row stays a row

BROKEN_CALENDARS = [
    # why, document, line, field, expected (part), found (part)
    ('no zone', 'calendar: s\nhours: {mon: closed}', 1, 'zone', 'a value', 'nothing'),
    ('an unknown zone', CALENDAR.replace('Berlin', 'Berln'), 2, 'zone', 'IANA time zone', 'did you mean Europe/Berlin?'),
    ('a zone that is a path', CALENDAR.replace('Europe/Berlin', '../../etc/passwd'), 2, 'zone', 'IANA time zone', '../../etc/passwd'),
    ('no hours', 'calendar: s\nzone: UTC', 1, 'hours', 'a value', 'nothing'),
    ('an unknown weekday', CALENDAR.replace('mon-fri', 'mon-fry'), 4, 'hours.mon-fry', 'a weekday', 'mon-fry'),
    ('a weekday twice', CALENDAR + '  fri: closed', 5, 'hours.fri', 'each weekday once', 'fri in mon-fri'),
    ('an impossible time', CALENDAR.replace('18:00', '25:00'), 4, 'hours.mon-fri', 'past 24:00', '25:00'),
    ('hours without quotes that YAML could read as a number', CALENDAR.replace('["09:00-18:00"]', '[9]'), 4, 'hours.mon-fri', 'a list of hours', '9'),
    ('hours that overlap', CALENDAR.replace('18:00', '18:00", "17:00-19:00'), 4, 'hours.mon-fri', 'do not overlap', '17:00-19:00'),
    ('a night into the next morning', CALENDAR.replace('09:00-18:00', '22:00-09:00').replace('"]', '", "08:00-12:00"]'), 3, 'hours', 'do not overlap', 'mon that run into those of tue'),
    ('a night into the morning of another day', CALENDAR + '  sun: ["22:00-10:00"]', 3, 'hours', 'do not overlap', 'sun'),
    ('a calendar that never opens', CALENDAR.replace('["09:00-18:00"]', 'closed'), 3, 'hours', 'some weekday', 'never opens'),
    ('an unknown country', CALENDAR + 'holidays: {country: DEE}', 5, 'holidays.country', 'code of a country', 'DEE'),
    ('an unknown subdivision', CALENDAR + 'holidays: {country: DE, subdivision: XX}', 5, 'holidays.subdivision', 'BE', 'XX'),
    ('dates in a list', CALENDAR + 'holidays: {dates: [2026-12-24]}', 5, 'holidays.dates', 'such as {2026-12-24: closed}', '2026-12-24'),
    ('a subdivision alone', CALENDAR + 'holidays: {subdivision: BE}', 5, 'holidays.subdivision', 'a country', 'none'),
    ('a date that is none', CALENDAR + 'holidays: {dates: {2026-02-30: closed}}', 5, 'holidays.dates.2026-02-30', 'a date', '2026-02-30'),
    ('a date as a week', CALENDAR + 'holidays: {dates: {2026-W52-4: closed}}', 5, 'holidays.dates.2026-W52-4', 'a date', '2026-W52-4'),
    ('a date twice', CALENDAR + 'holidays:\n  dates:\n    2026-12-24: closed\n    2026-12-24: closed', 8, 'holidays.dates.2026-12-24', 'each key once', 'first in line 7'),
    ('a business day in 24-hour days', CALENDAR + 'business_day: 1d', 5, 'business_day', 'hours', '1d'),
    ('a business day of nothing', CALENDAR + 'business_day: 0h', 5, 'business_day', 'longer than nothing', '0h'),
    ('an unknown key', CALENDAR + 'holiday: {}', 5, 'holiday', 'holidays', 'did you mean holidays?'),
    ('a name with a space', CALENDAR.replace('support', 'our support'), 1, 'calendar', 'a name', 'our support'),
    ('a moment as its effective date', CALENDAR + 'effective_from: 2026-01-01T00:00:00Z', 5, 'effective_from', 'a date', '2026-01-01T00'),
]  # fmt: skip

BROKEN_POLICIES = [
    ('no effective_from', 'policy: standard', 1, 'effective_from', 'a value', 'nothing'),
    ('an effective_from without its offset', policy(begins='2026-01-01T00:00:00'), 2, 'effective_from', 'with its offset', '2026-01-01T00:00:00'),
    ('a policy without its name', 'policy:\neffective_from: 2026-01-01T00:00:00Z', 1, 'policy', 'a value', 'nothing'),
    ('an unknown key', policy('clock: {}'), 3, 'clock', 'clocks', 'did you mean clocks?'),
    ('an unknown severity', policy('clocks:\n  resolve: {budget: {P4: 1h}}'), 4, 'clocks.resolve.budget.P4', 'one of P0, P1, P2, P3', 'P4'),
    ('a severity with a line break and an escape', policy(r'default_severity: "P1\n\e[31mP2"'), 3, 'default_severity', 'one of P0', 'P1'),
    ('an unknown default severity', policy('default_severity: SEV1'), 3, 'default_severity', 'one of P0', 'SEV1'),
    ('decimals', policy('clocks:\n  resolve: {budget: {P0: 1.5h}}'), 4, 'clocks.resolve.budget.P0', '4h', '1.5h'),
    ('a plain number', policy('clocks:\n  resolve: {budget: {P0: 90}}'), 4, 'clocks.resolve.budget.P0', 'a budget such as', '90'),
    ('units out of order', policy('clocks:\n  resolve: {budget: {P0: 30m1h}}'), 4, 'clocks.resolve.budget.P0', '1h30m', '30m1h'),
    ('a budget of nothing', policy('clocks:\n  resolve: {budget: {P0: 0m}}'), 4, 'clocks.resolve.budget.P0', 'longer than nothing', '0m'),
    ('a budget below nothing', policy('clocks:\n  resolve: {budget: {P0: -1h}}'), 4, 'clocks.resolve.budget.P0', 'a budget such as', '-1h'),
    ('a budget past ten years', policy('clocks:\n  resolve: {budget: {P0: 4000d}}'), 4, 'clocks.resolve.budget.P0', 'at most 3650d', '4000d'),
    ('24-hour days on a calendar', policy('clocks:\n  resolve: {budget: {P0: 2d @support}}'), 4, 'clocks.resolve.budget.P0', 'hours or bd', '2d @support'),
    ('business days without a calendar', policy('clocks:\n  resolve: {budget: {P0: 3bd}}'), 4, 'clocks.resolve.budget.P0', '3bd @support', '3bd'),
    ('business days with hours', policy('clocks:\n  resolve: {budget: {P0: 1bd4h @support}}'), 4, 'clocks.resolve.budget.P0', 'a budget such as', '1bd4h @support'),
    ('no business days', policy('clocks:\n  resolve: {budget: {P0: 0bd @support}}'), 4, 'clocks.resolve.budget.P0', 'between 1bd', '0bd @support'),
    ('@ without a calendar', policy('clocks:\n  resolve: {budget: {P0: "4h @"}}'), 4, 'clocks.resolve.budget.P0', 'name of a calendar', '4h @'),
    ('an unknown calendar', policy('clocks:\n  resolve: {budget: {P0: 4h @suport}}'), 4, 'clocks.resolve.budget.P0', 'a calendar after @, one of support', 'did you mean support?'),
    ('a calendar that is called None, and is none', policy('clocks:\n  resolve: {budget: {P0: 4h @None}}'), 4, 'clocks.resolve.budget.P0', 'a calendar after @, one of support', 'None'),
    ('no budget', policy('clocks:\n  resolve: {budget: {}}'), 4, 'clocks.resolve.budget', 'at least one severity', 'no keys'),
    ('a clock without a budget', policy('clocks:\n  resolve: {anchor: opened}'), 4, 'clocks.resolve.budget', 'a value', 'nothing'),
    ('a key without a value', policy('clocks:\n  resolve:\n    budget: {P0: 4h}\n    risk:'), 6, 'clocks.resolve.risk', 'a value', 'nothing'),
    ('a misspelt clock', policy('clocks:\n  resolv: {budget: {P0: 4h}}'), 4, 'clocks.resolv', 'start and stop', 'did you mean resolve?'),
    ("a clock of one's own without its stop", policy('clocks:\n  mine: {start: opened, budget: {P0: 4h}}'), 4, 'clocks.mine', 'start and stop', 'mine without stop'),
    ('a clock with the name of a cadence', policy('clocks:\n  customer_update: {start: opened, stop: closed, budget: {P0: 4h}}'), 4, 'clocks.customer_update', 'another name', 'customer_update'),
    ('an unknown event', policy('clocks:\n  mine: {start: openend, stop: closed, budget: {P0: 4h}}'), 4, 'clocks.mine.start', 'opened', 'did you mean opened?'),
    ('a kind of an event that has none', policy('clocks:\n  mine: {start: {opened: x}, stop: closed, budget: {P0: 4h}}'), 4, 'clocks.mine.start', 'paused', 'opened'),
    ('an unknown kind of an event', policy('clocks:\n  mine: {start: {update_published: public}, stop: closed, budget: {P0: 4h}}'), 4, 'clocks.mine.start', 'customer, internal, executive', 'public'),
    ('an event twice', policy('clocks:\n  mine: {start: [opened, opened], stop: closed, budget: {P0: 4h}}'), 4, 'clocks.mine.start', 'each event once', ''),
    ('a start that is the stop', policy('clocks:\n  mine: {start: {paused: x}, stop: paused, budget: {P0: 4h}}'), 4, 'clocks.mine.stop', 'another event', '{paused: x}'),
    ('a stop that never comes', policy('clocks:\n  mine: {start: acknowledged, stop: [closed, opened], budget: {P0: 4h}}'), 4, 'clocks.mine.stop', 'an event after the opening', 'opened'),
    ('a start that is the opening, and the stop', policy('clocks:\n  mine: {start: opened, stop: opened, budget: {P0: 4h}}'), 4, 'clocks.mine.stop', 'an event after the opening', 'opened'),
    ('a start after which nothing is owed', policy('clocks:\n  mine: {start: merged, stop: pir_held, budget: {P0: 4h}}'), 4, 'clocks.mine.start', 'another event', 'merged'),
    ('a stop that no escalation hears', policy('clocks:\n  mine: {start: opened, stop: [closed, recurrence_flagged], budget: {P0: 4h}}'), 4, 'clocks.mine.stop', 'said of a pattern', 'recurrence_flagged'),
    ('a stop by which every clock is cancelled', policy('clocks:\n  mine: {start: opened, stop: [closed, {cancelled: spam}], budget: {P0: 4h}}'), 4, 'clocks.mine.stop', 'another event: with this one', 'cancelled: spam'),
    ('a pause that starts its clock', policy('clocks:\n  mine: {start: {paused: x}, stop: resumed, pause: [any], budget: {P0: 4h}}'), 4, 'clocks.mine.pause', 'not the pause that starts it', 'any'),
    ('any pause beside others', policy('clocks:\n  resolve: {pause: [any, x], budget: {P0: 4h}}'), 4, 'clocks.resolve.pause', 'any alone', 'any, x'),
    ('a pause twice', policy('clocks:\n  resolve: {pause: [x, x], budget: {P0: 4h}}'), 4, 'clocks.resolve.pause', 'once', 'x, x'),
    ('an unknown anchor', policy('clocks:\n  resolve: {anchor: occured, budget: {P0: 4h}}'), 4, 'clocks.resolve.anchor', 'occurred', 'did you mean occurred?'),
    ('an anchor of a clock that starts later', policy('clocks:\n  confirm: {anchor: occurred, budget: {P0: 4h}}'), 4, 'clocks.confirm.anchor', 'does not start at the opening', 'occurred'),
    ('an RCA of a severity that owes none', policy('clocks:\n  rca_final: {budget: {P2: 14d}}'), 4, 'clocks.rca_final.budget.P2', 'P0 or P1 only', 'never runs'),
    ('a warning at the breach', policy('risk: [100%]'), 3, 'risk', '100% is the breach itself', '100%'),
    ('a warning after the breach', policy('risk: [100% + 2h]'), 3, 'risk', 'before the due time', '100% + 2h'),
    ('a warning at nothing', policy('risk: [0%]'), 3, 'risk', '1% to 99%', '0%'),
    ('a warning with decimals', policy('risk: [7.5%]'), 3, 'risk', '75%', '7.5%'),
    ('a warning days before', policy('risk: [1d before due]'), 3, 'risk', '24-hour days mean nothing', '1d before due'),
    ('a warning twice', policy('risk: ["75%", "75%"]'), 3, 'risk', 'each threshold once', '75%'),
    ('warnings that are no list', policy('risk: 75%'), 3, 'risk', 'a list such as', '75%'),
    ('a level without its point', policy('clocks:\n  resolve: {budget: {P0: 4h}, escalate: [{notify: [x]}]}'), 4, 'clocks.resolve.escalate[0].at', 'a value', 'nothing'),
    ('a level that notifies no one', policy('clocks:\n  resolve: {budget: {P0: 4h}, escalate: [{at: 75%, notify: []}]}'), 4, 'clocks.resolve.escalate[0].notify', 'a list of names', 'an empty list'),
    ('a level in bd', policy('clocks:\n  resolve: {budget: {P0: 4h}, escalate: [{at: 100% + 1bd, notify: [x]}]}'), 4, 'clocks.resolve.escalate[0].at', 'a duration', '100% + 1bd'),
    ('a level twice', policy('clocks:\n  resolve: {budget: {P0: 4h}, escalate: [{at: 75%, notify: [x]}, {at: 75%, notify: [y]}]}'), 4, 'clocks.resolve.escalate[1].at', 'each point once', '75%'),
    ('a last level that waits for an acknowledgement', policy('clocks:\n  resolve: {budget: {P0: 4h}, escalate: [{at: 75%, notify: [x]}, {at: 100%, notify: [y], ack_within: 15m}]}'), 4, 'clocks.resolve.escalate[1].ack_within', 'a later level', 'none after 100%'),
    ('a level that waits on an unknown calendar', policy('clocks:\n  resolve: {budget: {P0: 4h}, escalate: [{at: 75%, notify: [x], ack_within: 1h @suport}, {at: 100%, notify: [y]}]}'), 4, 'clocks.resolve.escalate[0].ack_within', 'a calendar after @', 'did you mean support?'),
    ('a level that waits for nothing', policy('clocks:\n  resolve: {budget: {P0: 4h}, escalate: [{at: 75%, notify: [x], ack_within: 0m}, {at: 100%, notify: [y]}]}'), 4, 'clocks.resolve.escalate[0].ack_within', 'longer than nothing', '0m'),
    ('an unknown audience', policy('cadence: {costumer: {every: {P0: 1h}}}'), 3, 'cadence.costumer', 'customer, internal, executive', 'did you mean customer?'),
    ('messages for colleagues', policy('cadence: {internal: {every: {P0: 1h}, message_counts: true}}'), 3, 'cadence.internal.message_counts', 'only customers', 'true'),
    ('yes for true', policy('cadence: {customer: {every: {P0: 1h}, message_counts: yes}}'), 3, 'cadence.customer.message_counts', 'true or false', 'yes'),
    ('a first update that nothing follows', policy('cadence: {customer: {every: {P0: 1h}, first: {P1: 1h}}}'), 3, 'cadence.customer.first.P1', 'in every', 'nothing follows'),
    ('an unknown start of a cadence', policy('cadence: {customer: {every: {P0: 1h}, start: resolved}}'), 3, 'cadence.customer.start', 'one of opened, triaged', 'resolved'),
    ('a long-incident mode of nothing', policy('cadence: {customer: {every: {P0: 1h}, loosen_up_to: 0h}}'), 3, 'cadence.customer.loosen_up_to', 'longer than nothing', '0h'),
    ('commitments without their risk', policy('commitments: {}'), 3, 'commitments.risk', 'a value', 'nothing'),
    ('more roles than room', policy('war_room: {P0: {roles: [a, b], staffed_within: 15m, at_most: 1}}'), 3, 'war_room.P0.at_most', 'the 2 roles', '1'),
    ('no room at all', policy('war_room: {P0: {roles: [a], staffed_within: 15m, at_most: 0}}'), 3, 'war_room.P0.at_most', 'at least 1', '0'),
    ('room as text', policy('war_room: {P0: {roles: [a], staffed_within: 15m, at_most: "8"}}'), 3, 'war_room.P0.at_most', 'a whole number', '8'),
    ('a role twice', policy('war_room: {P0: {roles: [a, a], staffed_within: 15m, at_most: 8}}'), 3, 'war_room.P0.roles', 'once', 'a, a'),
    ('an unknown field of a fingerprint', policy('recurrence: {fingerprint: [servce], window: 90d, flag_within: 30d}'), 3, 'recurrence.fingerprint', 'service', 'did you mean service?'),
    ('a window of nothing', policy('recurrence: {fingerprint: [service], window: 0d, flag_within: 30d}'), 3, 'recurrence.window', 'longer than nothing', '0d'),
    ('a credit for a clock that is not owed', policy('clocks: {resolve: {budget: {P0: 4h}}}\ncredits: [{metric: resolv, severity: [P0], overrun: {at_least: 0s}, credit: 10%}]'), 4, 'credits[0].metric', 'a clock of this policy', 'did you mean resolve?'),
    ('a credit where there are no clocks', policy('credits: [{metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}]'), 3, 'credits[0].metric', 'a clock of this policy, which has none', 'resolve'),
    ('a credit for a severity that is not owed', policy('clocks: {resolve: {budget: {P0: 4h}}}\ncredits: [{metric: resolve, severity: [P1], overrun: {at_least: 0s}, credit: 10%}]'), 4, 'credits[0].severity', 'with a budget', 'P1'),
    ('a credit of more than all', policy('clocks: {resolve: {budget: {P0: 4h}}}\ncredits: [{metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 110%}]'), 4, 'credits[0].credit', 'at most 100%', '110%'),
    ('a credit without its %', policy('clocks: {resolve: {budget: {P0: 4h}}}\ncredits: [{metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10}]'), 4, 'credits[0].credit', 'a percentage', '10'),
    ('two credits for one overrun', policy('clocks: {resolve: {budget: {P0: 4h}}}\ncredits:\n  - {metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}\n  - {metric: resolve, severity: [P0], overrun: {at_least: 0m}, credit: 20%}'), 6, 'credits[1]', 'one credit', 'resolve P0'),
    ('an unknown field of match', policy('match: {teir: gold}'), 3, 'match.teir', 'tier', 'did you mean tier?'),
    ('a number where a text belongs', policy('match: {customer: 4711}'), 3, 'match.customer', 'in quotes', '4711'),
    ('an empty list in match', policy('match: {tier: []}'), 3, 'match.tier', 'a list of texts', 'an empty list'),
    ('a range of texts', policy('match: {tier: {at_least: 3}}'), 3, 'match.tier', 'text', 'at_least'),
    ('a range the wrong way round', policy('match: {affected_customers: {at_least: 20, at_most: 10}}'), 3, 'match.affected_customers', 'no more than at_most', ''),
    ('a range with another bound', policy('match: {affected_customers: {more_than: 20}}'), 3, 'match.affected_customers', 'at_least, at_most or both', 'more_than'),
    ('a flag that is a text', policy('match: {data_loss: maybe}'), 3, 'match.data_loss', 'true or false', 'maybe'),
    ('an unknown scope', policy('match: {scope: everyone}'), 3, 'match.scope', 'one, some, many, all', 'everyone'),
    ('CEL that is none', policy('when: tier =='), 3, 'when', 'Syntax error', 'tier =='),
    ('CEL over an unknown field', policy("when: teir == 'gold'"), 3, 'when', "undeclared reference to 'teir'", "teir == 'gold'"),
    ('CEL of wrong types', policy("when: affected_customers > 'x'"), 3, 'when', 'no matching overload', 'affected_customers'),
    ('CEL that is no condition', policy('when: tier'), 3, 'when', 'true or false', 'tier'),
    ('match that is a list', policy('match: [gold]'), 3, 'match', 'keys and values such as {tier: gold}', 'gold'),
    ('one budget for all', policy('clocks: {resolve: {budget: 4h}}'), 3, 'clocks.resolve.budget', 'such as {P0: 4h, P1: 8h}', '4h'),
    ('one interval for all', policy('cadence: {customer: {every: 30m}}'), 3, 'cadence.customer.every', 'such as {P0: 30m, P1: 1h}', '30m'),
    ('an overrun without its bound', policy('clocks: {resolve: {budget: {P0: 4h}}}\ncredits: [{metric: resolve, severity: [P0], overrun: 0s, credit: 5%}]'), 4, 'credits[0].overrun', 'such as {at_least: 0s}', '0s'),
]  # fmt: skip

BROKEN_SEVERITIES = [
    ('no rule', 'severity: []', 1, 'severity', 'at least one', 'an empty list'),
    ('a severity that is none', 'severity:\n  - {severity: P9}', 2, 'severity[0].severity', 'one of P0', 'P9'),
    ('a rule after the last one', 'severity:\n  - {severity: P3}\n  - {severity: P0, when: {data_loss: true}}', 3, 'severity[1]', 'without conditions last', 'never tried'),
    ('an unknown condition', 'severity:\n  - {severity: P0, when: {dataloss: true}}', 2, 'severity[0].when.dataloss', 'data_loss', 'did you mean data_loss?'),
    ('a condition on the severity', 'severity:\n  - {severity: P0, when: {severity: P1}}', 2, 'severity[0].when.severity', 'what the severity follows from', 'the severity itself'),
    ('two documents', 'severity:\n  - {severity: P0}\n---\nseverity:\n  - {severity: P1}', 4, 'severity', 'in one document', 'a second'),
    ('two versions of one time', 'severity: [{severity: P0}]\neffective_from: 2026-01-01T00:00:00Z\n---\nseverity: [{severity: P1}]\neffective_from: 2026-01-01T01:00:00+01:00', 4, 'severity', 'of one time in one document', 'a second'),
    ('a version that begins on no instant', 'severity: [{severity: P0}]\neffective_from: 2026-01-01', 2, 'effective_from', 'offset', '2026-01-01'),
]  # fmt: skip

BROKEN_FILES = [
    ('a document of no kind', 'polici: x', 1, '', 'calendar, severity, policy', 'did you mean policy?'),
    ('a document of two kinds', f'{CALENDAR}policy: x', 1, '', 'one of the keys', 'policy'),
    ('a list as a document', '- a\n- b', 1, '', 'keys and values', 'a list (a, b)'),
    ('a text as a document', 'to do', 1, '', 'keys and values', 'to do'),
    ('YAML that is none', 'policy: [', 1, '', 'YAML', ''),
    ('a tab', 'policy:\n\tx: 1', 2, '', 'spaces', 'cannot start any token'),
    ('an @ that begins a text', policy('clocks:\n  resolve: {budget: {P0: @support}}'), 4, '', 'quotes', "character '@'"),
    ('a duplicate key', f'{POLICY}policy: again', 3, 'policy', 'each key once', 'first in line 1'),
    ('a duplicate key deep inside', policy('clocks:\n  resolve:\n    budget: {P0: 1h, P0: 2h}'), 5, 'clocks.resolve.budget.P0', 'each key once', 'first in line 5'),
    ('an alias', policy('clocks:\n  resolve: &x {budget: {P0: 1h}}\n  confirm: *x'), 5, '', 'YAML', 'alias'),
    ('a Python object', policy('when: !!python/object/apply:os.system [ls]'), 3, 'when', '', ''),
    ('a tag on a text', policy('when: !secret x'), 3, 'when', 'a plain value', '!secret'),
    ('a tag that makes a no of a yes', policy('match: {security: !!bool yes}'), 3, 'match.security', 'a plain value', '!!bool yes'),
    ('a key with a line break', policy(r'"a\nb": 1'), 3, 'a\nb', 'one of policy', 'a'),
    ('a tag before a yes with a line break', policy(r'match: {security: !!bool "true\n"}'), 3, 'match.security', 'a plain value', '!!bool true'),
    ('a tag on what is no number', policy('match: {affected_customers: !!int 0x1F}'), 3, 'match.affected_customers', 'a plain value', '!!int 0x1F'),
    ('a number that is none', policy('match: {affected_customers: !!float nan}'), 3, 'match.affected_customers', 'a plain value', '!!float nan'),
    ('half of a character', policy(r'match: {service: "\ud800"}'), 3, '', 'YAML', 'half of a character'),
    ('half of a character in a key', policy(r'"\ud800": 1'), 3, '', 'YAML', 'half of a character'),
    ('a list as a key', policy('? [a]\n: b'), 3, '', 'a word as the key', ''),
    ('nothing but comments', '# to be written', 0, '', 'at least one policy document', 'empty files'),
]  # fmt: skip

ROWS = [*BROKEN_CALENDARS, *BROKEN_POLICIES, *BROKEN_SEVERITIES, *BROKEN_FILES]


@pytest.mark.parametrize(
    ("text", "line", "field", "expected", "found"), [pytest.param(*row[1:], id=row[0]) for row in ROWS]
)
def test_a_folder_is_refused_for(
    tmp_path: Path, text: str, line: int, field: str, expected: str, found: str
) -> None:
    # The calendar stands in a file of its own, so that lines are those of the text.
    if not text.startswith("calendar"):
        write(tmp_path, CALENDAR, file="calendar.yaml")
    if "to be written" in text:
        (tmp_path / "calendar.yaml").unlink()
    write(tmp_path, text)
    problems = _problems(tmp_path)
    matching = [
        problem
        for problem in problems
        if (problem.line, problem.field) == (line, field)
        and expected in problem.expected
        and found in problem.found
    ]
    assert matching, "\n".join(map(str, problems))
    # One mistake, one problem: nothing that only follows from it.
    assert len(problems) == 1, "\n".join(map(str, problems))
    assert "found found" not in str(problems[0])


def _problems(folder: Path) -> list[Problem]:
    with pytest.raises(PolicyErrors) as refused:
        load(folder)
    assert str(refused.value).count("\n") == len(refused.value.problems) - 1
    return refused.value.problems


def test_all_problems_of_all_files_are_listed_in_order(tmp_path: Path) -> None:
    write(tmp_path, CALENDAR.replace("Berlin", "Berln"), policy("risk: [200%]\nwhen: x"), file="a.yaml")
    write(
        tmp_path,
        policy("clocks:\n  resolve: {budget: {P0: 4h @nope, P7: 1h}, pauze: [x]}", name="b"),
        file="b.yaml",
    )
    places = [(problem.file.name, problem.line, problem.field) for problem in _problems(tmp_path)]
    assert places == [
        ("a.yaml", 2, "zone"),
        ("a.yaml", 8, "risk"),
        ("a.yaml", 9, "when"),
        ("b.yaml", 4, "clocks.resolve.budget.P0"),
        ("b.yaml", 4, "clocks.resolve.budget.P7"),
        ("b.yaml", 4, "clocks.resolve.pauze"),
    ]


def test_a_folder_without_calendars_says_so(tmp_path: Path) -> None:
    write(tmp_path, policy("clocks: {resolve: {budget: {P0: 4h @office}}}"))
    (problem,) = _problems(tmp_path)
    assert problem.expected == "no @: this folder has no calendar"


def test_a_calendar_that_is_refused_is_not_called_unknown_too(tmp_path: Path) -> None:
    write(
        tmp_path,
        CALENDAR.replace("Berlin", "Berln"),
        policy("clocks: {resolve: {budget: {P0: 1bd @support}}}"),
    )
    assert [problem.field for problem in _problems(tmp_path)] == ["zone"]


def test_a_calendar_that_is_refused_is_one_that_there_is(tmp_path: Path) -> None:
    write(
        tmp_path,
        CALENDAR.replace("Berlin", "Berln"),
        policy("clocks: {resolve: {budget: {P0: 4h @suport}}}"),
    )
    _, misspelt = _problems(tmp_path)
    assert "support" in misspelt.expected
    assert "did you mean support?" in misspelt.found


def test_the_same_version_of_a_policy_twice_is_refused(tmp_path: Path) -> None:
    write(tmp_path, POLICY, POLICY)
    (problem,) = _problems(tmp_path)
    assert (problem.line, problem.field) == (5, "effective_from")
    assert "policy.yaml:1" in problem.expected


def test_a_policy_after_one_that_takes_everything_is_refused(tmp_path: Path) -> None:
    write(tmp_path, policy(name="all"), policy("match: {tier: gold}", name="gold"))
    (problem,) = _problems(tmp_path)
    assert (problem.line, problem.field) == (4, "policy")
    assert "before all" in problem.expected


def test_a_budget_that_cannot_run_out_is_refused(tmp_path: Path) -> None:
    rare = 'calendar: rare\nzone: UTC\nhours: {mon: ["09:00-09:01"]}\n'
    write(tmp_path, rare, policy("clocks: {resolve: {budget: {P0: 40h @rare}}}"))
    (problem,) = _problems(tmp_path)
    assert (problem.line, problem.field, problem.found) == (7, "clocks.resolve.budget.P0", "40h @rare")


CALENDAR_VERSIONS = [
    ('the same date twice', CALENDAR, 'calendar', 'another effective_from'),
    ('another zone', CALENDAR.replace('Berlin', 'Vienna') + 'effective_from: 2026-07-01', 'zone', 'Europe/Berlin'),
    ('another business day', CALENDAR.replace('18:00', '17:00') + 'effective_from: 2026-07-01', 'business_day', 'the business day'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("second", "field", "expected"), [pytest.param(*row[1:], id=row[0]) for row in CALENDAR_VERSIONS]
)
def test_versions_of_a_calendar_are_refused_for(
    tmp_path: Path, second: str, field: str, expected: str
) -> None:
    write(tmp_path, CALENDAR, second)
    (problem,) = _problems(tmp_path)
    assert problem.field == field
    assert expected in problem.expected


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path / "nowhere")
    assert problem.found == "nothing there"


@pytest.mark.parametrize("which", ["", "emea"], ids=["the folder", "one in it"])
@pytest.mark.parametrize("mode", [0o000, 0o444], ids=["not listed", "not entered"])
def test_a_folder_that_may_not_be_read_is_refused(which: str, mode: int) -> None:
    """What it holds would be owed to nobody, without a word."""
    "".encode("utf-8-sig")  # imports
    with TemporaryDirectory() as own:
        folder = Path(own)
        folder.chmod(0o755)
        (folder / "emea").mkdir()
        write(folder, CALENDAR, file="calendar.yaml")
        write(folder / "emea", CALENDAR.replace("calendar: support", "calendar: emea"))
        with without_rights({folder / which: mode}):
            found = _problems(folder)
    assert found
    assert all("ermission denied" in problem.found for problem in found)
    assert all(folder / which in (problem.file, problem.file.parent) for problem in found)


def test_a_folder_without_policy_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("policy: x")
    (problem,) = _problems(tmp_path)
    assert "*.yaml" in problem.expected


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_bytes(b"# who wrote it:\npolicy: caf\xe9\n")
    (problem,) = _problems(tmp_path)
    assert (problem.line, problem.expected, problem.found) == (2, "text in UTF-8", "the byte 0xe9")
