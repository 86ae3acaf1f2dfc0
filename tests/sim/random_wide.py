"""What lives seldom have: waivers, action items, roles, reviews, what is known of them changing in flight.

Drawn from a generator of its own, of every other seed: the lives and books of the rest are what they would be
without.
"""

from random import Random

from msgspec.structs import replace

from engine.core.facts import Fact, Value
from engine.core.instants import MINUTE, Instant
from engine.core.policy import SEVERITIES, Book

_NO_CLOCKS = [
    *["customer_update", "executive_update", "internal_update"],
    *["role", "war_room", "commitment", "action", "nothing"],
]
"""What a waiver may name beside the clocks."""
ROLES = ["commander", "comms", "scribe"]
_VERBS = [
    *["waived", "role_assigned"] * 4,
    *["rca_published", "action_opened", "updated", "update_published"] * 3,
    *["action_completed", "role_released", "assigned", "triaged", "resumed", "reopened", "closed"] * 2,
    *["resolved", "pir_held", "action_cancelled", "commitment_made", "cancelled"],
]
_MINUTES = [-90, -5, 0, 5, 15, 20, 30, 60, 61, 120, 240, 300, 480, 960, 1_440]


def is_wide(rng: Random) -> bool:
    """Whether a seed has any of it; the first that is drawn."""
    return rng.random() < 0.5


# -- policies -------------------------------------------------------------------------------------


def widened(rng: Random, text: str) -> str:
    """The policy, mostly with more that is owed."""
    name, begins, rest = text.split("\n", 2)
    if "effective_from: 2020-" not in begins and rng.random() < 0.2:
        begins += "\nwithdrawn: true"
    if rng.random() < 0.5:
        rest = rest.replace("anchor: reported", "anchor: detected")
    if rng.random() < 0.3:
        rest = rest.replace("{every:", "{loosen_up_to: 10h, every:")
    clocks = [line for line in _clocks(rng) if rng.random() < 0.6]
    rest = rest.replace("clocks:\n", "\n".join(["clocks:", *clocks, ""]), 1)
    if rng.random() < 0.6:
        every = f"{{P0: 4h, P1: {rng.choice(['5h', '8h @office'])}, P3: 12h}}"
        executive = f"  executive: {{every: {every}, loosen_up_to: {rng.choice(['1h', '12h'])}}}\n"
        rest += "" if "cadence:\n" in rest else "cadence:\n"
        rest = rest.replace("cadence:\n", f"cadence:\n{executive}")
    if rng.random() < 0.5:
        rest += f"actions: {{budget: {_budget(rng)}}}\n"
    if rng.random() < 0.6:
        rest += "war_room:\n" + "".join(_room(rng, severity) for severity in rng.sample(SEVERITIES, 2))
    return "\n".join([name, begins, rest])


def _clocks(rng: Random) -> list[str]:
    held = rng.choice(["", ", pause: [any]", ", pause: [pending_customer]"])
    grave = ", ".join(f"{severity}: {rng.choice([60, 240, 1_440])}m" for severity in ("P0", "P1"))
    return [
        f"  rca_summary: {{budget: {{{grave}}}{held}}}",
        f"  rca_final: {{budget: {{P0: {rng.choice(['8h @office', '2d'])}}}}}",
        f"  pir: {{budget: {{P1: 8h @desk, P0: 4h}}{held}}}",
        "  follow_up: {start: resolved, stop: [commitment_kept, {rca_published: final}, {waived: resolve}],"
        f" budget: {_budget(rng)}}}",
        "  again: {start: [reopened, closed], stop: [acknowledged, resolution_confirmed],"
        f" budget: {_budget(rng)},"
        f" escalate: [{{at: 50%, notify: [lead], ack_within: 15m}}, {{at: 100%, notify: [director]}}]}}",
        "  seat: {start: [opened, {role_released: commander}], stop: {role_assigned: commander},"
        f" budget: {_budget(rng)}{held}}}",
    ]


def _room(rng: Random, severity: str) -> str:
    roles, within = rng.sample(ROLES, rng.choice([1, 2])), rng.choice(["15m", "60m", "30m @office"])
    return f"  {severity}: {{roles: [{', '.join(roles)}], staffed_within: {within}, at_most: {len(roles)}}}\n"


def _budget(rng: Random) -> str:
    told = [
        f"{severity}: {rng.choice([30, 60, 240, 480])}m{rng.choice(['', '', ' @office', ' @desk'])}"
        for severity in sorted(rng.sample(SEVERITIES, rng.choice([2, 3, 4])))
    ]
    return f"{{{', '.join(told)}}}"


# -- lives ----------------------------------------------------------------------------------------


def detected(rng: Random, opened: Fact) -> Fact:
    """The opening, now and then with the time at which monitoring saw it."""
    if rng.random() < 0.6:
        return opened
    at = int(opened.at - rng.choice([-10, 0, 40, 100, 700]) * MINUTE)
    return replace(opened, data={**opened.data, "detected_at": at})


def random_wide(rng: Random, start: Instant, book: Book, subjects: list[str]) -> list[tuple[str, Fact]]:
    """Events of the subjects beside those of their lives."""
    told: list[tuple[str, Fact]] = []
    metrics = [*_NO_CLOCKS, *(clock.metric for policy in book.policies for clock in policy.clocks)]
    for subject in subjects:
        around = rng.choice([0, 0, 60, 300, 960])
        verbs = rng.choices(_VERBS, k=rng.choice([0, 2, 4, 8, 12]))
        for number, verb in enumerate(verbs):
            minute = around + rng.choice([*_MINUTES, rng.randrange(0, 2_000)])
            made = [_fact(rng, start, verb, minute, f"w{number}")]
            if verb == "cancelled" and rng.random() < 0.7:  # by mistake
                made.append(_fact(rng, start, "reopened", minute + rng.choice([0, 10, 200]), f"b{number}"))
            if rng.random() < 0.05:  # another content of the same identity
                made.append(_fact(rng, start, verb, minute + rng.choice([0, 7]), f"w{number}"))
            if verb == "waived":
                made = [
                    replace(one, data={"metric": rng.choice(metrics), "reason": "agreed"}) for one in made
                ]
            told += [(subject, one) for one in made]
    return told


def _fact(rng: Random, start: Instant, verb: str, minute: int, identity: str) -> Fact:
    at = Instant(start + minute * MINUTE)
    return Fact("wide", identity, verb, at, at, rng.choice(["", "", "", "1", "10"]), _data(rng, verb, at))


def _data(rng: Random, verb: str, at: Instant) -> dict[str, Value]:
    if verb == "rca_published":
        return {"stage": rng.choice(["summary", "final"])}
    if verb.startswith("action"):
        data: dict[str, Value] = {"action_id": rng.choice(["a", "b"])}
        if verb == "action_opened":
            data |= {"title": "x", "owner": rng.choice(["ann", None])}
            data |= rng.choice([{}, {"due_at": _after(rng, at)}])
        return data
    if verb.startswith("role"):
        return {"role": rng.choice(ROLES), "person": rng.choice(["ann", "bo", "cy"])}
    if verb in ("updated", "triaged"):
        return _change(rng, verb)
    if verb == "assigned":
        return {rng.choice(["team", "owner"]): rng.choice(["blue", "red", None])}
    if verb == "update_published":
        data = {"audience": rng.choice(["executive", "executive", "internal", "customer"])}
        return data | rng.choice([{}, {"next_update_at": _after(rng, at)}])
    if verb == "resumed":
        return rng.choice([{}, {"reason": "pending_customer"}])
    if verb == "commitment_made":
        return {"commitment_id": rng.choice(["a", "c"]), "text": "by then", "due_at": _after(rng, at)}
    return {"cancelled": {"reason": rng.choice(["spam", "duplicate"])}}.get(verb, {})


def _change(rng: Random, verb: str) -> dict[str, Value]:
    """Somebody takes a severity back, or finds out whose it is."""
    data: dict[str, Value] = rng.choice([{}, {"severity": None}, {"severity": rng.choice(SEVERITIES)}])
    if verb == "updated":
        customer: Value = {"id": rng.choice(["c", "d"]), "tier": rng.choice(["gold", "silver", None])}
        data |= rng.choice([{}, {"customer": customer}, {"customer": None}])
        data |= rng.choice([{}, {"team": rng.choice(["blue", "red", None])}])
    return data


def _after(rng: Random, at: Instant) -> int:
    return int(at + rng.choice([-5, 15, 60, 400, 2_000]) * MINUTE)
