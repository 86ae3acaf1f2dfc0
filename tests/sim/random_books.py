"""Random calendars and policies, as the YAML that people write."""

from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from msgspec.structs import replace
from random_known import conditioned
from random_patterns import recurrence
from random_rebases import FIRST, with_second_versions
from random_wide import widened

from engine.core.instants import MINUTE, Instant, format_instant
from engine.core.policy import Book, Calendar
from engine.policies import load

STARTS = ["2026-11-02T10:00:00Z", "2026-10-24T15:00:00Z", "2026-03-28T18:00:00Z", "2026-12-24T08:00:00Z"]
"""Minute 0 of a run: a plain Monday, the evenings before the clocks change, a day before holidays."""
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]
HOURS = [
    'mon-fri: ["09:00-17:00"]',
    'mon-fri: ["09:00-12:30", "13:30-18:00"]\n  sat: ["10:00-14:00"]',
    'mon-sun: ["22:00-06:00"]',
    'mon-sun: ["00:00-24:00"]',
    'sun-thu: ["06:30-20:15"]',
]
SEVERITIES = ["P0", "P1", "P2", "P3"]
REASONS = ["pending_customer", "pending_customer", "pending_vendor", "other"]
BUDGETS = {"P0": [15, 30, 60, 120], "P1": [30, 60, 240], "P2": [60, 120, 480], "P3": [240, 480, 960]}
"""Minutes. Few and round, so that facts fall on due times."""


def random_book(
    rng: Random,
    recurring: Random,
    rebasing: Random,
    wide: Random | None,
    knowing: Random | None,
    start: Instant,
) -> tuple[str, Book]:
    """The text, and the book that it makes; what is drawn for patterns, second versions, what is seldom
    owed and what is known (None: nothing), from generators of their own."""
    calendars = {name: _calendar(rng, name) for name in ("office", "desk")}
    policies = _recurring(_policies(rng), recurring)
    rules = _severity_rules(Random(policies[-1]), start)  # noqa: S311
    policies = with_second_versions(rebasing, start, policies, _policy)
    if wide is not None:
        policies = [widened(wide, one) for one in policies]
    if knowing is not None:
        policies = [conditioned(knowing, one) for one in policies]
    text = "---\n".join([*calendars.values(), *rules, *policies])
    book = _loaded(text)
    known = {name: _known_calendar(name, written) for name, written in calendars.items()}
    return text, replace(book, calendars={**book.calendars, **known})


def with_another_version(rng: Random, text: str, book: Book, name: str, begins: Instant) -> tuple[Book, str]:
    """The book with one more version of a policy of the text, and its text."""
    first = next(one for one in text.split("---\n") if one.startswith(f"policy: {name}\n"))
    lines = first.splitlines(keepends=True)
    match, recurring = (
        next((line for line in lines if line.startswith(key)), "") for key in ("match: ", "recurrence: ")
    )
    made = (_policy(rng, name, match) + recurring).replace(FIRST, f"effective_from: {format_instant(begins)}")
    text = f"{text}---\n{made}"
    return replace(_loaded(text), calendars=book.calendars), text


def random_calendar(rng: Random, name: str) -> Calendar:
    """Of those that books draw."""
    return _known_calendar(name, _calendar(rng, name))


def _loaded(text: str) -> Book:
    with TemporaryDirectory() as folder:
        Path(folder, "book.yaml").write_text(text, encoding="utf-8")
        return load(Path(folder))


@cache
def _known_calendar(name: str, written: str) -> Calendar:
    """An equal calendar, its years reckoned once for all runs of this process: it takes as long as a run."""
    policy = "policy: any\neffective_from: 2020-01-01T00:00:00Z\nclocks: {acknowledge: {budget: {P1: 15m}}}\n"
    return _loaded(f"{written}---\n{policy}").calendars[name]


def _calendar(rng: Random, name: str) -> str:
    closed = rng.choice(["", "holidays: {dates: {2026-11-03: closed, 2026-12-25: closed}}\n"])
    hours = rng.choice(HOURS)
    return f"calendar: {name}\nzone: {rng.choice(ZONES)}\nhours:\n  {hours}\n{closed}business_day: 8h\n"


def _severity_rules(rng: Random, start: Instant) -> list[str]:
    """None, one version, or a second in the midst of it; by a chance of their own, as the credits."""
    if rng.random() < 0.3:
        return []
    first = _version_of_rules(rng)
    if rng.random() < 0.5:
        return [first]
    begins = format_instant(Instant(start + rng.randrange(0, 3_000) * MINUTE))
    return [first, f"{_version_of_rules(rng)}effective_from: {begins}\n"]


def _version_of_rules(rng: Random) -> str:
    """Ordered by gravity, each field in one sense."""
    conditions = ["data_loss: true", "workaround: false", "affected_customers: {at_least: 20}", "tier: gold"]
    rules = [
        f"{{severity: {severity}, when: {{{', '.join(rng.sample(conditions, rng.choice([1, 1, 2])))}}}}}"
        for severity in sorted(rng.choices(SEVERITIES, k=rng.randrange(1, 4)))
    ]
    rules += rng.choice([[], ["{severity: P3, because: nothing else}"]])
    return f"severity: [{', '.join(rules)}]\n"


def _policies(rng: Random) -> list[str]:
    gold = _policy(rng, "gold", "match: {tier: gold}\n")
    return [*([gold] if rng.random() < 0.4 else []), _policy(rng, "standard", "")]


def _recurring(policies: list[str], rng: Random) -> list[str]:
    if rng.random() < 0.4:
        return policies
    return [text + recurrence(rng) for text in policies]


_SOME = [
    "triage", "acknowledge", "first_response", "next_response", "contact", "confirm", "handover", "stall",
]  # fmt: skip


def _policy(rng: Random, name: str, match: str) -> str:
    lines = [f"policy: {name}", "effective_from: 2020-01-01T00:00:00Z"]
    lines += [match.strip()] if match else []
    lines.append(f"default_severity: {rng.choice(SEVERITIES)}")
    lines.append(f"risk: {rng.choice(['[75%]', '[50%, 90%]', '[10m before due]', '[]'])}")
    lines += ["clocks:", _resolve(rng)]
    lines += [f"  {metric}: {{budget: {_budget(rng)}}}" for metric in rng.sample(_SOME, rng.randrange(1, 4))]
    if rng.random() < 0.4:
        lines.append("  vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor},")
        lines.append(f"    budget: {_budget(rng)}}}")
    if rng.random() < 0.4:
        lines.append("  reply: {start: message_received, stop: message_sent, pause: [pending_customer],")
        lines.append(f"    budget: {_budget(rng)}}}")
    if rng.random() < 0.5:
        lines += ["cadence:", _cadence(rng)]
    lines.append(f"commitments: {{risk: {rng.choice(['[]', '[15m before due]', '[50%]'])}}}")
    lines += _credits(Random(name + lines[-1] + lines[4]), has_customer="  customer:" in "\n".join(lines))  # noqa: S311
    return "\n".join(lines) + "\n"


def _credits(rng: Random, *, has_customer: bool) -> list[str]:
    """By a chance of their own, so that a seed's other clocks and lives stay what they are without them."""
    if rng.random() < 0.4:
        return []
    tiers = []
    for severity in rng.sample(SEVERITIES, 3):
        overruns, percents = rng.sample([0, 30, 60, 240], 2), rng.sample([5, 10, 12.5, 25], 2)
        for overrun, percent in zip(overruns, percents, strict=True):
            of = f"metric: resolve, severity: [{severity}], overrun: {{at_least: {overrun}m}}"
            tiers.append(f"  - {{{of}, credit: {percent}%}}")
    if has_customer:
        tiers.append(
            "  - {metric: customer_update, severity: [P0, P1], overrun: {at_least: 60m}, credit: 2%}"
        )
    return ["credits:", *tiers]


def _resolve(rng: Random) -> str:
    """Of every severity: an independent count of this clock is held against the engine's."""
    held = rng.choice(["any", "pending_customer", "pending_customer, pending_vendor", ""])
    pause = f", pause: [{held}]" if held else ""
    anchor = rng.choice(["opened", "opened", "reported", "occurred"])
    has_levels = rng.choice([False, True])
    budget = _budget(rng, all_of_them=True)
    levels = _levels(Random(budget + anchor)) if has_levels else ""  # noqa: S311
    return f"  resolve: {{budget: {budget}{pause}, anchor: {anchor}{levels}}}"


def _levels(rng: Random) -> str:
    """By a chance of their own, as the credits."""
    waits = [rng.choice(["", ", ack_within: 15m", ", ack_within: 60m @office"]) for _ in range(2)]
    return rng.choice(
        [
            f", escalate: [{{at: 75%, notify: [lead]{waits[0]}}}, {{at: 100% + 2h, notify: [director]}}]",
            f", escalate: [{{at: 25%, notify: [owner]{waits[0]}}}, {{at: 50%, notify: [lead]{waits[1]}}},"
            " {at: 100%, notify: [director]}]",
        ]
    )


def _cadence(rng: Random) -> str:
    more = rng.choice(["", ", first: {P0: 30m, P1: 60m}", ", start: triaged"])
    audience = rng.choice(["customer", "customer, message_counts", "internal"])
    audience, _, counts = audience.partition(", ")
    more += f", {counts}: true" if counts else ""
    return f"  {audience}: {{every: {{P0: 6h, P1: 12h, P2: 8h @office}}{more}}}"


def _budget(rng: Random, *, all_of_them: bool = False) -> str:
    some = [s for s in SEVERITIES if all_of_them or rng.random() < 0.8] or ["P1"]
    told = [f"{s}: {rng.choice(BUDGETS[s])}m{rng.choice(['', '', ' @office', ' @desk'])}" for s in some]
    return f"{{{', '.join(told)}}}"
