"""What is said after all that was said, of which the archive reads nothing that it holds one by one."""

from random import Random

import pytest
from archived import fact, opened, outcome, row, rows
from sqlalchemy import event

from engine.archive.archive import Archive
from engine.archive.writing import derive
from engine.core.outcomes import Outcome
from engine.sql.database import writing

pytestmark = pytest.mark.slow


def miss(number: int) -> Outcome:
    """Of a silence that goes on."""
    return outcome("cadence_missed", number, 30 * number, id=f"m{number}", in_a_row=number)


def looks(archive: Archive, *said: Outcome) -> int:
    """How often what is held is read one by one while this is written."""
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(" ".join(statement.split()))

    event.listen(archive.engine, "before_cursor_execute", note)
    archive.write([], said)
    event.remove(archive.engine, "before_cursor_execute", note)
    read = [one for one in seen if " FROM facts " in one or " FROM outcomes " in one]
    return sum("GROUP BY" not in one for one in read)


def test_a_further_outcome_of_an_open_escalation_reads_none_of_its_facts_and_outcomes(
    archive: Archive,
) -> None:
    archive.write([opened(0), fact("acknowledged", 1)], [miss(1)])
    before = row(archive)
    assert looks(archive, miss(2)) == 0
    assert looks(archive, miss(3), miss(4)) == 0
    assert row(archive) == before
    assert [one["stands"] for one in rows(archive)["outcomes"]] == [True] * 4
    assert looks(archive, miss(3)) > 0, "it is said again"


@pytest.mark.parametrize("seed", range(30))
def test_each_write_leaves_what_follows_from_all_that_is_held(seed: int) -> None:
    dice = Random(seed)  # noqa: S311
    severity, fingerprint, said = "P1", "", list[Outcome]()
    with Archive.open("sqlite://") as archive:
        archive.write([opened(0) if seed % 2 else fact("opened", 0, title="Down")], [])
        for number in range(1, 31):
            if dice.random() < 0.1:
                severity = dice.choice(["P0", "P1", "P2", ""])
            if dice.random() < 0.1:
                fingerprint = dice.choice(["disk", "web", ""])
            one = _something(dice, said, number, severity=severity, fingerprint=fingerprint)
            said.append(one)
            archive.write([], [one])
            written = rows(archive)
            with writing(archive.engine) as connection:
                derive(connection)
            assert rows(archive) == written
            assert len(written["outcomes"]) == len({(o.seq, o.id) for o in said})


def _something(dice: Random, said: list[Outcome], number: int, **fields: str) -> Outcome:
    """New in most cases; or late, again, under an id that was there, counted anew, or a correction."""
    seq = dice.choice([number] * 8 + [dice.randint(1, number)])
    minute = dice.choice([number, dice.randint(1, 30)])
    if not said or (what := dice.randrange(12)) > 3:
        return outcome("cadence_missed", seq, minute, id=f"m{number}", **fields)
    old = dice.choice(said)
    if what == 0:
        return old
    if what == 1:
        return outcome("cadence_missed", seq, minute, id=old.id, **fields)
    name = "retracted" if what == 2 else "amended"
    return outcome(name, seq, minute, id=f"c{number}", corrects=old.id, outcome="cadence_missed", **fields)
