"""What is owed by customer and month, in percent and in money, and files of fees that are refused."""

from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.core.credits import Credit, Exposure, Step
from engine.core.instants import Instant, Span, parse_instant
from engine.core.outcomes import PolicyRef
from engine.documents.credits import Amount, owed, totals
from engine.documents.fees import Fee, FeesRefused, read_fees

UTC = ZoneInfo("UTC")
POLICY = PolicyRef("standard", "2026-01-01T00:00:00Z", "0")
NOW = parse_instant("2026-04-10T00:00:00Z")


def breach(percent: float, at: str = "2026-03-05T10:00:00Z", customer: str = "acme", n: int = 1) -> Credit:
    when = parse_instant(at)
    return Credit(
        f"desk:{n}", "resolve", "", 1, "P0", customer, POLICY, when, percent, "100%", Span(0), "", "", ()
    )


def exposure(*percents: float, costs: float = 0, due: str | None = None, n: int = 1) -> Exposure:
    steps = tuple(Step(percent, "100%", None) for percent in percents)
    at: Instant | None = None if due is None else parse_instant(due)
    return Exposure(f"desk:{n}", "resolve", "", 1, "P0", "acme", POLICY, at, costs > 0, costs, steps)


def test_distinct_breaches_of_a_month_add_up_to_the_whole_fee_at_most() -> None:
    rows = [breach(25, n=n) for n in range(5)]
    (month,) = owed(rows, [], UTC, NOW, {"acme": Fee(Decimal(1000), "EUR")})
    assert (month.month, month.percent, month.summed) == ("2026-03", 100, 125)
    assert month.amount(month.percent) == Amount("EUR", Decimal("1000.00"))


def test_the_zone_decides_the_month() -> None:
    late = [breach(10, at="2026-03-31T22:30:00Z")]
    assert [owed(late, [], ZoneInfo(zone), NOW, {})[0].month for zone in ("UTC", "Europe/Berlin")] == [
        "2026-03", "2026-04",
    ]  # fmt: skip


def test_open_clocks_add_their_next_and_their_last_tier_to_what_they_cost() -> None:
    grows, fresh = exposure(25, 50, costs=10), exposure(5, due="2026-03-20T00:00:00Z", n=2)
    (march, april) = owed([breach(10)], [grows, fresh, exposure(1, n=3)], UTC, NOW, {})
    assert (march.percent, march.next, march.most) == (10, 30, 55)
    assert (april.month, april.percent, april.next) == ("2026-04", 0, 1)  # it stands still: in now's month


def test_an_open_clock_whose_breach_is_not_known_adds_its_whole_next_tier() -> None:
    open_ = exposure(25, 50, costs=10, due="2026-03-05T10:00:00Z")
    (march,) = owed([], [open_], UTC, NOW, {})
    assert (march.percent, march.next, march.most) == (0, 25, 50)


def test_money_is_exact_and_summed_by_currency() -> None:
    fees = {"acme": Fee(Decimal("0.10"), "EUR"), "zen": Fee(Decimal(200), "USD")}
    rows = [breach(12.5), breach(0.1, customer="zen", n=2), breach(99, customer="nobody", n=3)]
    months = owed(rows, [], UTC, NOW, fees)
    assert totals(months) == [Amount("EUR", Decimal("0.01")), Amount("USD", Decimal("0.20"))]
    assert [month.amount(month.percent) for month in months if month.customer == "nobody"] == [None]


def test_fees_are_read_from_yaml_and_from_csv(tmp_path: Path) -> None:
    (tmp_path / "fees.yaml").write_text(
        "acme: {fee: 1000.10, currency: EUR}\nzen:\n  fee: 5\n  currency: USD\n"
    )
    (tmp_path / "fees.csv").write_text("customer,fee,currency\nacme,1000.10,EUR\nzen,5,USD\n")
    expected = {"acme": Fee(Decimal("1000.10"), "EUR"), "zen": Fee(Decimal(5), "USD")}
    assert read_fees(tmp_path / "fees.yaml") == read_fees(tmp_path / "fees.csv") == expected


@pytest.mark.parametrize(
    ("name", "text", "where", "expected"),
    [
        (
            "fees.yaml",
            "acme: {fee: 1000, currency: EUR}\nzen: {fee: much, currency: EUR}",
            ":2",
            "a fee such as",
        ),
        ("fees.yaml", "acme: {fee: -1, currency: EUR}", ":1", "a fee such as"),
        ("fees.yaml", "acme: {fee: nan, currency: EUR}", ":1", "a fee such as"),
        ("fees.yaml", "acme: {fee: 1, currency: euro}", ":1", "a currency such as EUR"),
        ("fees.yaml", "acme: {fee: 1, currency: EUR, tax: 3}", ":1", "found tax"),
        ("fees.yaml", "acme: {fee: 1, currency: EUR}\nacme: {fee: 2, currency: EUR}", ":2", "one a customer"),
        ("fees.yaml", "acme: 1000", ":1", "customer: {fee"),
        ("fees.yaml", "- acme", ":1", "customer: {fee"),
        ("fees.yaml", "acme: {fee: [1], currency: EUR}", ":1", "a fee such as"),
        ("fees.yaml", "acme: {fee: 1\n", ":2", "no YAML: expected ',' or '}'"),
        ("fees.csv", "customer;fee\nacme;1", ":1", "the columns"),
        ("fees.csv", "customer,fee,currency\nacme,,EUR", ":2", "a fee such as"),
        ("fees.csv", 'customer,fee,currency\n"acme', "", "no CSV"),
        ("fees.csv", '"customer', "", "no CSV"),
        ("fees.yaml", "acme: {? {fee: 1} : 1000, currency: EUR}", ":1", "found a list, or keys and values"),
        ("fees.yaml", "acme: {fee: &a [*a], currency: EUR}", ":1", "found 'a list, or keys and values'"),
        ("fees.yaml", "[" * 5_000, "", "no YAML"),
    ],
)
def test_what_is_no_fee_is_refused_with_its_place(
    name: str, text: str, where: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(FeesRefused) as refused:
        read_fees(tmp_path / name)
    assert f"{name}{where}" in str(refused.value)
    assert expected in str(refused.value)


@pytest.mark.parametrize("name", ["fees.yaml", "fees.csv"])
def test_a_file_of_fees_that_is_not_utf_8_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"customer,fee,currency\nacm\xe9,1,EUR\n")
    with pytest.raises(FeesRefused, match=rf"{name}: expected UTF-8"):
        read_fees(tmp_path / name)
