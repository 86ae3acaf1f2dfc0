"""The file of monthly fees: what each customer pays, which no policy says."""

import csv
import io
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

import yaml


class Fee(NamedTuple):
    fee: Decimal
    """A month."""
    currency: str
    """ISO 4217."""


class FeesRefused(ValueError):
    """The file of fees says something that is none; where, and what was expected."""


def read_fees(file: Path) -> dict[str, Fee]:
    """Customer id -> fee: YAML (`acme: {fee: 1000, currency: EUR}`), or CSV with the columns customer, fee
    and currency. OSError where there is no file, FeesRefused for the first entry that is no fee."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FeesRefused(f"{file}: expected UTF-8: {error}") from None
    rows = _of_csv(file, text) if file.suffix.lower() == ".csv" else _of_yaml(file, text)
    fees: dict[str, Fee] = {}
    for place, customer, told in rows:
        if customer in fees:
            raise FeesRefused(f"{place}: {customer} has a fee already; expected one a customer")
        fees[customer] = _fee(place, told)
    return fees


def _of_csv(file: Path, text: str) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        missing = {"customer", "fee", "currency"} - set(reader.fieldnames or ())
        if missing:
            lacks = f"{', '.join(sorted(missing))} not there"
            raise FeesRefused(f"{file}:1: expected the columns customer, fee, currency; {lacks}")
        for row in reader:
            yield f"{file}:{reader.line_num}", (row["customer"] or "").strip(), row
    except csv.Error as error:
        raise FeesRefused(f"{file}:{reader.line_num}: no CSV: {error}") from None


def _of_yaml(file: Path, text: str) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Node by node, for their lines; and as text, for a number with a fraction would not be exact."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}" if mark else str(file)
        raise FeesRefused(f"{place}: no YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise FeesRefused(f"{file}: no YAML: {error}") from None
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise FeesRefused(f"{file}:{_line(root)}: expected `customer: {{fee: 1000, currency: EUR}}`")
    for name, value in root.value:
        place = f"{file}:{_line(name)}"
        if not isinstance(name, yaml.ScalarNode) or not isinstance(value, yaml.MappingNode):
            raise FeesRefused(f"{place}: expected `customer: {{fee: 1000, currency: EUR}}`")
        yield place, name.value, {_plain(key): _plain(told) for key, told in value.value}


def _plain(node: yaml.Node) -> str:
    return node.value if isinstance(node, yaml.ScalarNode) else "a list, or keys and values"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _fee(place: str, told: Mapping[str, object]) -> Fee:
    unknown = {str(name) for name in told} - {"customer", "fee", "currency"}
    if unknown:
        raise FeesRefused(f"{place}: expected fee and currency; found {', '.join(sorted(unknown))}")
    currency = str(told.get("currency") or "").strip()
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise FeesRefused(f"{place}: expected a currency such as EUR; found {currency!r}")
    text = str(told.get("fee") or "").strip()
    try:
        fee = Decimal(text)
    except InvalidOperation:
        fee = Decimal(-1)
    if not fee.is_finite() or fee < 0:
        raise FeesRefused(f"{place}: expected a fee such as 1000 or 1000.50; found {text!r}")
    return Fee(fee, currency)
