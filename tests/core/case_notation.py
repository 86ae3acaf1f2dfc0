"""The notation of the case tables: a policy, facts by the minute, and everything that is said.

    clocks: {acknowledge: {budget: {P1: 10m}}}      a line of a policy, as in a policy file
    0 opened P1; 12 acknowledged                    what arrives, in this order; time moves to the highest
    60 now                                          time moves on; what is due is judged
    => 10 breached acknowledge due 10               everything that is said, in the order of saying
    => 12 stopped_late acknowledge due 10

A word after a verb fills its main field (severity, reason, audience, commitment id; messages are public
unless `internal`; a role is followed by its person); `x=1` any other; `x=@30` is the instant of minute 30.
`:name` is the fact's id, `/3` its sequence, `^5` the minute of its recording. An outcome is: minute, name,
metric[/key], [#cycle, from 2], [due MINUTE], [threshold], [xN in a row], [(reason)], [-> whom it notifies];
of a correction `amended NAME` or `retracted NAME` and `by` the fact's id. A refusal is `!reason`, a count
`counted NAME`.
"""

import re
from dataclasses import dataclass, field

import yaml
from core_runs import Engine, at, book_of, fact, minutes, policy

from engine.core.decide import Options
from engine.core.facts import Fact, Value
from engine.core.outcomes import Outcome

_MAIN = {
    "opened": "severity",
    "triaged": "severity",
    "updated": "severity",
    "assigned": "owner",
    "paused": "reason",
    "resumed": "reason",
    "cancelled": "reason",
    "merged": "into",
    "update_published": "audience",
    "commitment_made": "commitment_id",
    "commitment_kept": "commitment_id",
    "commitment_withdrawn": "commitment_id",
    "commitment_renegotiated": "commitment_id",
    "rca_published": "stage",
    "action_opened": "action_id",
    "action_completed": "action_id",
    "action_cancelled": "action_id",
    "waived": "metric",
}
_FACT = re.compile(r"^(-?[\d.]+) (\w+)")


@dataclass
class Case:
    rule: str
    policy: list[str] = field(default_factory=list)
    options: dict[str, object] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)


def cases(table: str) -> list[Case]:
    """The cases of a table: each begins with `== name of the rule: behaviour`."""
    found: list[Case] = []
    for line in (raw.split("  #")[0].strip() for raw in table.splitlines()):
        if line.startswith("== "):
            found.append(Case(line[3:]))
        elif line.startswith("=> "):
            found[-1].expected += [part.strip() for part in line[3:].split(";") if part.strip() != "nothing"]
        elif line.startswith("options: "):
            found[-1].options = yaml.safe_load(line[9:])
        elif _FACT.match(line):
            found[-1].steps += [part.strip() for part in line.split(";")]
        elif line:
            found[-1].policy.append(line)
    return found


def play(case: Case) -> list[str]:
    """Everything that the core says and refuses, and counts where the case speaks of counts."""
    options = dict(case.options)
    for name, value in options.items():
        if name == "correction_window":
            options[name] = int(str(value)) * 60_000_000
    engine = Engine(book_of(policy("\n".join(case.policy))), Options(**options))  # type: ignore[arg-type]
    lines: list[str] = []
    now = at(-(10**6))
    for step in case.steps:
        said, refused, before = len(engine.said), len(engine.refusals), engine.counts.copy()
        minute, verb = step.split()[:2]
        now = max(now, at(float(minute)))
        if verb == "now":
            engine.tick_until(now)
        else:
            if not case.options.get("event_time"):
                engine.tick_until(now)
            engine.take(read_fact(step))
        lines += [render(outcome) for outcome in engine.said[said:]]
        lines += [f"!{refusal.reason}" for refusal in engine.refusals[refused:]]
        if any(line.startswith("counted") for line in case.expected):
            lines += [f"counted {name}" for name in sorted((engine.counts - before).elements())]
    return lines


def read_fact(step: str) -> Fact:
    minute, verb, *words = step.split()
    data: dict[str, Value] = {}
    marks: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            data[name] = _value(value)
        elif word[0] in ":/^":
            marks[word[0]] = word[1:]
        elif verb in _MAIN:
            data[_MAIN[verb]] = word
    if verb.startswith("message"):
        data["public"] = "internal" not in words
    if verb.startswith("role"):
        data["role"], data["person"] = words[:2]
    return fact(
        verb,
        float(minute),
        id=marks.get(":", ""),
        sequence=marks.get("/", ""),
        recorded=float(marks["^"]) if "^" in marks else None,
        **data,  # type: ignore[arg-type]  # no field is called as the keywords are
    )


def _value(text: str) -> Value:
    if text.startswith("@"):
        return int(at(float(text[1:])))
    if text.startswith("{"):
        return dict(pair.split(":") for pair in text[1:-1].split(","))  # type: ignore[return-value]
    return None if text == "null" else text


def render(o: Outcome) -> str:
    words = [f"{minutes(o.effective_at):g}", f"{o.name} {o.outcome}".strip(), o.metric]
    if o.key:
        words[-1] += f"/{o.key}"
    if o.cycle != 1:
        words.append(f"#{o.cycle}")
    if o.due_at is not None:
        words.append(f"due {minutes(o.due_at):g}")
    if o.threshold:
        words.append(o.threshold)
    if o.in_a_row:
        words.append(f"x{o.in_a_row}")
    if o.reason:
        words.append(f"({o.reason})")
    if o.notify:
        words.append(f"-> {','.join(o.notify)}")
    if o.caused_by:
        words.append(f"by {o.caused_by}")
    return " ".join(words)
