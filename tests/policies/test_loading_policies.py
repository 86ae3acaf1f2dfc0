"""What files that are accepted mean: budgets, thresholds, versions, hashes, the order of policies."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from textwrap import dedent

import pytest
from files import CALENDAR, POLICY, policy, write

from engine.core.calendars import BusinessCalendar
from engine.core.instants import DAY, HOUR, MINUTE, SECOND, Span, parse_instant
from engine.core.matching import match_policy
from engine.core.policy import Book, Condition, Target, Threshold, Trigger
from engine.policies import load

REPOSITORY = Path(__file__).parents[2]


def book_of(folder: Path, *documents: str) -> Book:
    return load(write(folder, *documents))


def labels(thresholds: Iterable[Threshold]) -> list[str]:
    return [threshold.label for threshold in thresholds]


BUDGETS = [
    ("90s", 90 * SECOND, ""),
    ("15m", 15 * MINUTE, ""),
    ("4h", 4 * HOUR, ""),
    ("1h30m", 90 * MINUTE, ""),
    ("2d", 2 * DAY, ""),
    ("1d2h3m4s", DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND, ""),
    ("4h @support", 4 * HOUR, "support"),
    ("4h@support", 4 * HOUR, "support"),
    ("90m  @  support", 90 * MINUTE, "support"),
    ("1bd @support", 9 * HOUR, "support"),
    ("3bd @support", 27 * HOUR, "support"),
]


@pytest.mark.parametrize(("text", "length", "calendar"), BUDGETS)
def test_a_budget_means(tmp_path: Path, text: str, length: int, calendar: str) -> None:
    body = f'clocks:\n  resolve: {{budget: {{P1: "{text}"}}}}\n'
    (rule,) = book_of(tmp_path, CALENDAR, policy(body)).policies[0].clocks
    assert rule.targets == {"P1": Target(Span(length), calendar, " ".join(text.split()))}


THRESHOLDS = [
    ("75%", Threshold("75%", 75)),
    ("30m before due", Threshold("30m before due", 100, Span(-30 * MINUTE))),
    ("100%", Threshold("100%", 100)),
    ("100% + 2h", Threshold("100% + 2h", 100, Span(2 * HOUR))),
    ("100%+2h", Threshold("100% + 2h", 100, Span(2 * HOUR))),
    ("150%", Threshold("150%", 150)),
]


@pytest.mark.parametrize(("text", "threshold"), THRESHOLDS)
def test_a_point_of_a_budget_means(tmp_path: Path, text: str, threshold: Threshold) -> None:
    body = f'clocks:\n  resolve: {{budget: {{P0: 4h}}, escalate: [{{at: "{text}", notify: [owner]}}]}}\n'
    (rule,) = book_of(tmp_path, policy(body)).policies[0].clocks
    assert [level.at for level in rule.escalate] == [threshold]


def test_the_risk_of_a_policy_is_the_default_of_its_clocks_and_cadences(tmp_path: Path) -> None:
    body = dedent("""\
        risk: [75%]
        clocks:
          resolve: {budget: {P0: 4h}}
          confirm: {budget: {P0: 4h}, risk: [10m before due]}
          contact: {budget: {P0: 4h}, risk: []}
        cadence:
          customer: {every: {P0: 1h}}
          internal: {every: {P0: 1h}, risk: [50%]}
        """)
    made = book_of(tmp_path, policy(body)).policies[0]
    clocks, cadences = ([labels(rule.risk) for rule in rules] for rules in (made.clocks, made.cadences))
    assert clocks == [["75%"], ["10m before due"], []]
    assert cadences == [["75%"], ["50%"]]
    assert labels(made.commitment_risk) == ["75%"]


def test_a_clock_of_ones_own_keeps_its_events(tmp_path: Path) -> None:
    body = dedent("""\
        clocks:
          vendor_reply:
            start: {paused: [pending_vendor, pending_parts]}
            stop: [{resumed: pending_vendor}, closed]
            pause: [pending_change]
            budget: {P0: 1h}
        """)
    (rule,) = book_of(tmp_path, policy(body)).policies[0].clocks
    assert rule.start == (Trigger("paused", "pending_vendor"), Trigger("paused", "pending_parts"))
    assert rule.stop == (Trigger("resumed", "pending_vendor"), Trigger("closed"))
    assert rule.pause == {"pending_change"}


def test_a_cadence_keeps_its_start_and_its_long_incident_mode(tmp_path: Path) -> None:
    body = "cadence: {customer: {every: {P0: 1h}, start: triaged, message_counts: true, loosen_up_to: 8h}}\n"
    (rule,) = book_of(tmp_path, policy(body)).policies[0].cadences
    assert (rule.audience, rule.start, rule.message_counts) == ("customer", "triaged", True)
    assert rule.loosen_up_to == 8 * HOUR


CONDITIONS = [
    ("tier: gold", Condition("tier", any_of=("gold",))),
    ("tier: [platinum, gold]", Condition("tier", any_of=("platinum", "gold"))),
    ("affected_customers: {at_least: 20}", Condition("affected_customers", at_least=20)),
    ("revenue_at_risk: {at_least: 5, at_most: 7.5}", Condition("revenue_at_risk", at_least=5, at_most=7.5)),
    ("affected_customers: 3", Condition("affected_customers", any_of=(3,))),
    ("workaround: false", Condition("workaround", any_of=(False,))),
    ("priority: 1", Condition("priority", any_of=("1", 1))),
    ("region: NO", Condition("region", any_of=("NO",))),
    ("tags_any: [vip, beta]", Condition("tags_any", any_of=("vip", "beta"))),
]


@pytest.mark.parametrize(("text", "condition"), CONDITIONS)
def test_a_condition_means(tmp_path: Path, text: str, condition: Condition) -> None:
    assert book_of(tmp_path, policy(f"match: {{{text}}}")).policies[0].match == (condition,)


EXPRESSIONS = [
    ("tier == 'gold' && affected_customers >= 20", {"tier": "gold", "affected_customers": 20}, True),
    ("tier == 'gold' && affected_customers >= 20", {"tier": "gold", "affected_customers": 19}, False),
    ("tier == 'gold' || security", {"security": True}, True),
    ("tier == 'gold'", {}, False),
    ("tier != 'gold'", {}, False),
    ("'vip' in tags", {"tags": ["vip"]}, True),
    ("!('vip' in tags)", {}, True),
    ("revenue_at_risk > 1000.0", {"revenue_at_risk": 2000}, True),
    ("title.startsWith('[Alert]')", {"title": "[Alert] disk"}, True),
    ("priority == '1'", {"priority": 1}, True),
]


@pytest.mark.parametrize(("text", "attributes", "holds"), EXPRESSIONS)
def test_an_expression_holds_of_what_is_known(
    tmp_path: Path, text: str, attributes: dict[str, object], holds: bool
) -> None:
    when = book_of(tmp_path, policy(f'when: "{text}"\n')).policies[0].when
    assert when is not None
    assert when(attributes) is holds


def test_versions_of_a_policy_are_told_apart_by_when_they_begin(tmp_path: Path) -> None:
    book = book_of(tmp_path, POLICY, policy(begins="2026-07-01T00:00:00+02:00"))
    assert [made.version for made in book.policies] == ["2026-01-01T00:00:00Z", "2026-06-30T22:00:00Z"]
    chosen = match_policy(book, {}, parse_instant("2026-06-30T23:00:00Z"))
    assert chosen is not None
    assert chosen.version == "2026-06-30T22:00:00Z"


def test_policies_are_tried_in_the_order_of_their_files(tmp_path: Path) -> None:
    write(tmp_path, policy(name="rest"), file="90-rest.yaml")
    write(tmp_path, policy("match: {tier: gold}", name="gold"), file="10-gold.yaml")
    write(tmp_path, "never read: [", file=".hidden.yaml")
    assert [made.name for made in load(tmp_path).policies] == ["gold", "rest"]


SAME = [
    ("comments", "# why\n" + policy("risk: [75%]  # early\n")),
    ("spelling", 'effective_from: "2026-01-01T01:00:00+01:00"\nrisk: ["75%"]\npolicy: standard\n'),
]


@pytest.mark.parametrize("text", [pytest.param(row[1], id=row[0]) for row in SAME])
def test_the_hash_does_not_depend_on(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    plain = book_of(tmp_path / "a", policy("risk: [75%]\n"))
    assert book_of(tmp_path / "b", text).policies[0].hash == plain.policies[0].hash


BODY = "clocks: {resolve: {budget: {P0: 1bd @support}}}\n"
OTHERS = [
    ("a budget", (CALENDAR, policy(BODY.replace("1bd", "2bd")))),
    ("a warning", (CALENDAR, policy(BODY + "risk: [75%]"))),
    ("whom it takes", (CALENDAR, policy(BODY + "match: {tier: gold}"))),
    ("its expression", (CALENDAR, policy(BODY + "when: tier == 'gold'"))),
    ("when it begins", (CALENDAR, policy(BODY, begins="2026-01-02T00:00:00Z"))),
    ("its name", (CALENDAR, policy(BODY, name="other"))),
]  # fmt: skip


@pytest.mark.parametrize("documents", [pytest.param(row[1], id=row[0]) for row in OTHERS])
def test_the_hash_covers(tmp_path: Path, documents: tuple[str, str]) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    plain = book_of(tmp_path / "a", CALENDAR, policy(BODY))
    assert book_of(tmp_path / "b", *documents).policies[0].hash != plain.policies[0].hash


CHANGED_CALENDARS = [
    ("another day of hours", CALENDAR + '  sat: ["10:00-12:00"]\n'),
    ("a holiday", CALENDAR + "holidays: {dates: {2026-12-24: closed}}\n"),
    ("a country", CALENDAR + "holidays: {country: DE}\n"),
]


@pytest.mark.parametrize("calendar", [pytest.param(row[1], id=row[0]) for row in CHANGED_CALENDARS])
def test_a_changed_calendar_reaches_open_escalations_because_the_hash_does_not_cover_it(
    tmp_path: Path, calendar: str
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    plain, changed = (
        book_of(tmp_path / "a", CALENDAR, policy(BODY)),
        book_of(tmp_path / "b", calendar, policy(BODY)),
    )
    assert changed.policies[0].hash == plain.policies[0].hash
    assert changed.calendars["support"].version != plain.calendars["support"].version


def test_public_holidays_come_with_their_country_and_an_own_date_wins(tmp_path: Path) -> None:
    text = CALENDAR + dedent("""\
        holidays:
          country: DE
          subdivision: BE
          dates:
            2027-03-08: ["10:00-12:00"]
        """)
    calendar = book_of(tmp_path, text, POLICY).calendars["support"]
    assert not calendar.is_open(parse_instant("2016-10-03T10:00Z"))  # German Unity Day, long ago
    assert not calendar.is_open(parse_instant("2028-03-08T10:00Z"))  # International Women's Day, Berlin
    assert calendar.is_open(parse_instant("2027-03-08T10:00Z"))
    assert not calendar.is_open(parse_instant("2027-03-08T12:00Z"))


def test_versions_of_a_calendar_become_one_calendar(tmp_path: Path) -> None:
    second = CALENDAR.replace("09:00-18:00", "08:00-17:00") + "effective_from: 2026-07-01\n"
    calendar = book_of(tmp_path, CALENDAR, second, POLICY).calendars["support"]
    assert isinstance(calendar, BusinessCalendar)
    assert [hours.effective_from for hours in calendar.versions] == [date.min, date(2026, 7, 1)]
    assert calendar.next_opening(parse_instant("2026-06-30T00:00+02:00")) == parse_instant(
        "2026-06-30T09:00+02:00"
    )
    assert calendar.next_opening(parse_instant("2026-07-01T00:00+02:00")) == parse_instant(
        "2026-07-01T08:00+02:00"
    )


def test_a_stated_business_day_is_what_bd_means(tmp_path: Path) -> None:
    made = book_of(tmp_path, CALENDAR + "business_day: 8h\n", policy(BODY)).policies[0]
    assert made.clocks[0].targets["P0"].budget == 8 * HOUR


def test_the_book_names_the_data_that_its_calendars_stand_on(tmp_path: Path) -> None:
    book = book_of(tmp_path, CALENDAR, POLICY)
    assert book.tzdata[:2] == "20"
    assert book.holidays[0].isdigit()
    assert (
        book.calendars[""].due(parse_instant("2026-01-01T00:00Z"), Span(5))
        == parse_instant("2026-01-01T00:00Z") + 5
    )


@pytest.mark.parametrize("folder", ["policies", "policies-uci", "policies-github"])
def test_the_policies_that_ship_can_be_used(folder: str) -> None:
    book = load(REPOSITORY / "deploy" / folder)
    assert match_policy(book, {}, parse_instant("2026-06-01T00:00Z")) is not None


def test_the_standard_policy_owes_what_the_table_of_defaults_says() -> None:
    made = load(REPOSITORY / "deploy" / "policies").policies[0]
    owed = {rule.metric: {key: target.text for key, target in rule.targets.items()} for rule in made.clocks}
    owed |= {
        rule.audience: {key: target.text for key, target in rule.every.items()} for rule in made.cadences
    }
    assert owed == {
        "triage": {"P0": "15m", "P1": "15m", "P2": "15m", "P3": "4h @support"},
        "acknowledge": {"P0": "5m", "P1": "15m", "P2": "1h", "P3": "8h @support"},
        "first_response": {"P0": "15m", "P1": "30m", "P2": "4h @support", "P3": "8h @support"},
        "next_response": {"P0": "30m", "P1": "1h", "P2": "4h @support", "P3": "8h @support"},
        "contact": {"P0": "15m", "P1": "30m", "P2": "4h @support"},
        "resolve": {"P0": "4h", "P1": "8h", "P2": "3bd @support", "P3": "5bd @support"},
        "confirm": {"P0": "24h", "P1": "24h", "P2": "3bd @support"},
        "rca_summary": {"P0": "48h", "P1": "48h"},
        "rca_final": {"P0": "14d", "P1": "14d"},
        "vendor_reply": {"P0": "1h", "P1": "4h"},
        "customer": {"P0": "30m", "P1": "1h", "P2": "4h @support", "P3": "1bd @support"},
        "internal": {"P0": "15m", "P1": "30m", "P2": "2h @support"},
        "executive": {"P0": "1h", "P1": "4h"},
    }
    assert made.recurrence is not None
    assert (made.recurrence.window, made.recurrence.flag_within.budget) == (90 * DAY, 30 * DAY)
    assert {key: target.budget for key, target in made.action_budget.items()} == {
        "P0": 28 * DAY,
        "P1": 56 * DAY,
    }


def test_the_close_clock_of_the_uci_policy_counts_weekdays_around_the_clock() -> None:
    book = load(REPOSITORY / "deploy" / "policies-uci")
    rule = next(rule for rule in book.policies[0].clocks if rule.metric == "close_sla")
    assert rule.targets["P2"].budget == 153.4 * HOUR
    assert rule.targets["P3"].budget == 345.6 * HOUR
    friday = parse_instant("2016-03-04T12:00Z")
    assert book.calendars["weekdays"].due(friday, Span(24 * HOUR)) == parse_instant("2016-03-07T12:00Z")


def test_a_withdrawn_version_judges_nothing_new_and_leaves_its_beginning_to_another(tmp_path: Path) -> None:
    wrong = policy("clocks: {resolve: {budget: {P2: 4h}}}\n")
    alone = book_of(tmp_path, wrong).policies[0]
    book = book_of(tmp_path, f"{wrong}withdrawn: true\n", policy("clocks: {resolve: {budget: {P2: 8h}}}\n"))
    assert [one.hash for one in book.withdrawn] == [alone.hash]
    (right,) = book.policies
    assert right.hash != alone.hash
    assert match_policy(book, {}, parse_instant("2026-02-01T00:00:00Z")) is right
