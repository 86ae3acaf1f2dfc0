"""The case tables of the rules, all together, for what is told and drawn of them (docs/concepts)."""

import re
from functools import cache

from case_notation import Case, cases
from test_cadence_rules import CADENCES
from test_calendar_rules import CALENDARS
from test_clock_rules import CLOCKS
from test_commitment_rules import COMMITMENTS
from test_credit_rules import CREDITS
from test_obligation_rules import OBLIGATIONS
from test_order_rules import FACTS
from test_owed_rules import OWED
from test_recurrence_rules import RECURRENCE
from test_severity_rules import SEVERITY_RULES

_NUMBERED = re.compile(r"([A-Z][a-z-]+ \d+): ")


@cache
def all_cases() -> tuple[Case, ...]:
    """Every row of every table, in the order of the tables."""
    tables = (
        *(OWED, SEVERITY_RULES, CLOCKS, CADENCES, COMMITMENTS, OBLIGATIONS, RECURRENCE, CREDITS, CALENDARS),
        FACTS,
    )
    return tuple(case for table in tables for case in cases(table))


def number(name: str) -> str:
    """`Clock 5` of `Clock 5: same start`. ValueError where a row or a heading has no number."""
    found = _NUMBERED.match(name)
    if found is None:
        raise ValueError(f"{name!r} begins with no rule and its number, such as `Clock 5: `")
    return found[1]
