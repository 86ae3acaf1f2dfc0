"""Which severity an escalation has: by the rules over what is known of it, or by somebody; a case a rule."""

# ruff: noqa: E501  # a line of facts stays a line

from itertools import product
from random import Random

import pytest
from case_notation import Case, cases, play

from engine.core.matching import matches
from engine.core.policy import SEVERITIES, Attributes, Condition, SeverityRule, rank
from engine.core.severity import Matrix, classification

SEVERITY_RULES = """
== Severity 1: the first rule that holds gives the severity, and its reason is said
picture: severity-1
severity: [{severity: P0, when: {data_loss: true}, because: data lost}, {severity: P1, when: {affected_customers: {at_least: 20}}, because: twenty customers}, {severity: P3}]
clocks: {resolve: {budget: {P0: 30m, P1: 60m, P2: 90m, P3: 120m}}}
show: inputs
0 opened affected_customers=25 impact={data_loss:false}; 50 resolved
=> 0 classified severity P1 data_loss=False affected_customers=25 (twenty customers); 50 met resolve due 60

== Severity 1: all conditions of a rule must hold
severity: [{severity: P0, when: {security: true, scope: [many, all]}}, {severity: P1, when: {security: true}}, {severity: P3}]
0 opened impact={security:true,scope:some}
=> 0 classified severity P1

== Severity 1: the rule without conditions takes the rest, after all others surely do not hold
severity: [{severity: P1, when: {tier: gold, workaround: false}}, {severity: P3}]
0 opened customer={id:c1,tier:silver}
=> 0 classified severity P3

== Severity 1: tags that were not given are known to be none
severity: [{severity: P0, when: {tags_any: [vip]}, because: a vip}, {severity: P3}]
show: inputs
0 opened; 10 updated tags=vip
=> 0 classified severity P3; 10 classified severity #2 P0 tags=vip (a vip)

== Severity 1: no rule holds, and the default does
severity: [{severity: P0, when: {data_loss: true}}]
default_severity: P1
clocks: {resolve: {budget: {P0: 30m, P1: 60m}}}
0 opened impact={data_loss:false}; 61 now
=> 60 breached resolve due 60

== Severity 1: policies match by the severity that the rules give, as by one that was given
severity: [{severity: P0, when: {data_loss: true}}]
--- grave
match: {severity: P0}
clocks: {acknowledge: {budget: {P0: 5m}}}
--- everyone
clocks: {acknowledge: {budget: {P0: 60m}}}
0 opened impact={data_loss:true}; 6 now
=> 0 classified severity P0; 5 breached acknowledge due 5

== Severity 1: a rule that asks for the severity is refused when it is loaded
severity: [{severity: P0, when: {severity: P1}}]
=> !refused severity[0].when.severity

== Severity 2: until the triage the default holds while a graver rule may hold
picture: severity-2
severity: [{severity: P0, when: {data_loss: true}, because: data lost}, {severity: P3}]
default_severity: P2
clocks: {resolve: {budget: {P0: 30m, P2: 90m, P3: 120m}}}
0 opened; 30 triaged; 121 now
=> 30 classified severity P3; 120 breached resolve due 120

== Severity 2: what surely is graver than the default does not wait for the rest
picture: severity-2-graver
severity: [{severity: P0, when: {data_loss: true}, because: data lost}, {severity: P1, when: {affected_customers: {at_least: 20}}, because: twenty customers}, {severity: P3}]
default_severity: P2
clocks: {resolve: {budget: {P0: 30m, P1: 60m, P2: 90m}}}
0 opened affected_customers=25; 10 updated impact={data_loss:true}; 31 now
=> 0 classified severity P1 unless data_loss (twenty customers); 10 classified severity #2 P0 (data lost); 30 breached resolve due 30

== Severity 2: as grave as the default and maybe graver, nothing is said yet
severity: [{severity: P0, when: {data_loss: true}}, {severity: P2, when: {workaround: false}}]
default_severity: P2
0 opened impact={workaround:false}; 10 triaged
=> 10 classified severity P2

== Severity 2: a lesser rule that may hold comes first, so a graver one after it does not decide
severity: [{severity: P3, when: {region: test}}, {severity: P0, when: {data_loss: true}}]
default_severity: P2
0 opened impact={data_loss:true}; 10 updated region=EU
=> 10 classified severity P0

== Severity 2: whichever of two rules of one severity holds, it is that severity
severity: [{severity: P0, when: {data_loss: true}, because: data lost}, {severity: P0, when: {security: true}, because: a break-in}]
0 opened impact={security:true}
=> 0 classified severity P0 (a break-in)

== Severity 2: after the triage what is unknown is not so
severity: [{severity: P0, when: {data_loss: true}}, {severity: P2, when: {workaround: false}}, {severity: P3}]
0 opened; 10 triaged; 20 updated impact={workaround:false}
=> 10 classified severity P3; 20 classified severity #2 P2

== Severity 2: what is taken back is unknown again
severity: [{severity: P0, when: {data_loss: true}, because: data lost}]
default_severity: P2
clocks: {resolve: {budget: {P0: 30m, P2: 90m}}}
0 opened impact={data_loss:true}; 10 updated impact=null; 91 now
=> 0 classified severity P0 (data lost); 10 classified severity #2 undecided unless data_loss; 90 breached resolve due 90

== Severity 2: what another version of the policy takes for granted is said at the rebase
severity: [{severity: P0, when: {data_loss: true}}, {severity: P1, when: {affected_customers: {at_least: 20}}}]
--- standard
default_severity: P2
--- standard 20
default_severity: P0
0 opened affected_customers=25; 30 rebased standard 20
=> 0 classified severity P1 unless data_loss; 30 classified severity #2 undecided unless data_loss

== Severity 3: somebody's severity holds, and that the rules disagree is said
picture: severity-3
severity: [{severity: P0, when: {data_loss: true}, because: data lost}, {severity: P3}]
clocks: {resolve: {budget: {P0: 30m, P1: 60m, P2: 90m}}}
0 opened P1; 10 updated impact={data_loss:true}; 20 triaged P2; 91 now
=> 10 classified severity P0 but P1 (data lost); 90 breached resolve due 90

== Severity 3: they agree again once the severity is that of the rules
severity: [{severity: P0, when: {data_loss: true}}]
0 opened P1 impact={data_loss:true}; 10 updated P0
=> 0 classified severity P0 but P1; 10 classified severity #2 P0

== Severity 3: a severity that is taken back leaves it to the rules, else to the default
severity: [{severity: P0, when: {data_loss: true}}]
default_severity: P2
clocks: {resolve: {budget: {P0: 30m, P1: 60m, P2: 90m}}}
0 opened P1 impact={data_loss:true}; 10 updated null; 31 now
=> 0 classified severity P0 but P1; 10 classified severity #2 P0; 30 breached resolve due 30

== Severity 3: without rules a severity that is taken back leaves the default
default_severity: P2
clocks: {resolve: {budget: {P1: 60m, P2: 90m}}}
0 opened P1; 10 updated null; 91 now
=> 90 breached resolve due 90

== Severity 3: an assignment gives none
clocks: {resolve: {budget: {P0: 30m, P1: 60m}}}
0 opened P1; 10 assigned ann severity=P0; 61 now
=> 60 breached resolve due 60

== Severity 3: what may still be graver is no disagreement with who says that it is
severity: [{severity: P0, when: {data_loss: true}}, {severity: P1, when: {workaround: false}}]
0 opened P0 impact={workaround:false}; 10 updated impact={data_loss:false}
=> 10 classified severity P1 but P0

== Severity 3: what surely is graver than somebody's severity is one at once
severity: [{severity: P0, when: {data_loss: true}}, {severity: P1, when: {workaround: false}}]
0 opened P3 impact={workaround:false}
=> 0 classified severity P1 unless data_loss but P3

== Severity 4: the impact changes, and the severity with it, as by anybody
picture: severity-4
severity: [{severity: P1, when: {affected_customers: {at_least: 20}}, because: twenty customers}, {severity: P2}]
clocks: {resolve: {budget: {P1: 30m, P2: 90m}}}
0 opened affected_customers=3; 40 updated affected_customers=25; 50 updated affected_customers=4; 60 resolved
=> 0 classified severity P2; 40 classified severity #2 P1 (twenty customers); 40 breached resolve due 30 (retarget)
=> 50 classified severity #3 P2; 60 stopped_late resolve due 90

== Severity 4: another customer is another tier
severity: [{severity: P1, when: {tier: gold}, because: a gold customer}, {severity: P3}]
show: elapsed
0 opened customer={id:c1,tier:silver}; 10 updated customer={id:c2,tier:gold}
=> 0 classified severity P3 elapsed 0; 10 classified severity #2 P1 (a gold customer) elapsed 0

== Severity 4: other figures with the same answer say nothing
severity: [{severity: P1, when: {affected_customers: {at_least: 20}}}, {severity: P3}]
0 opened affected_customers=25; 10 updated affected_customers=40; 20 updated title=Down
=> 0 classified severity P1

== Severity 4: the same severity for another reason is another answer
severity: [{severity: P0, when: {data_loss: true}, because: data lost}, {severity: P0, when: {security: true}, because: a break-in}]
0 opened impact={data_loss:false,security:true}; 10 updated impact={data_loss:true}
=> 0 classified severity P0 (a break-in); 10 classified severity #2 P0 (data lost)

== Severity 4: a downgrade by the rules waives no review
severity: [{severity: P0, when: {data_loss: true}}, {severity: P3}]
clocks: {rca_final: {budget: {P0: 14d}}}
0 opened impact={data_loss:true}; 10 updated impact={data_loss:false}; 20 resolved; 30 rca_published final
=> 0 classified severity P0; 10 classified severity #2 P3; 30 met rca_final due 20180

== Severity 5: what is heard late corrects what was said
picture: severity-5
severity: [{severity: P0, when: {data_loss: true}, because: data lost}, {severity: P2, because: no data lost}]
clocks: {resolve: {budget: {P0: 30m, P2: 90m}}}
0 opened impact={data_loss:true}; 31 now; 5 updated impact={data_loss:false} :late
=> 0 classified severity P0 (data lost); 30 breached resolve due 30; 30 retracted breached resolve due 30 by late
=> 5 classified severity #2 P2 (no data lost)

== Severity 5: other inputs of the same answer amend it
severity: [{severity: P1, when: {affected_customers: {at_least: 20}}}]
show: inputs
0 opened; 10 updated affected_customers=25; 5 updated affected_customers=30 :late
=> 10 classified severity P1 affected_customers=25; 5 amended classified severity P1 affected_customers=30 by late

== Severity 5: a triage that did not happen then is retracted with what it decided
severity: [{severity: P0, when: {data_loss: true}}, {severity: P3}]
0 opened; 20 triaged; 10 cancelled spam :late
=> 20 classified severity P3; 20 retracted classified severity P3 by late

== Severity 6: the rules have versions, and each event is judged by those of its time
picture: severity-6
severity: [{severity: P1, when: {affected_customers: {at_least: 20}}, because: twenty customers}, {severity: P3}]
severity 30: [{severity: P1, when: {affected_customers: {at_least: 10}}, because: ten customers}, {severity: P3}]
clocks: {resolve: {budget: {P1: 60m, P3: 120m}}}
0 opened affected_customers=12; 40 updated affected_customers=13; 5 updated affected_customers=11 :late; 70 resolved
=> 0 classified severity P3; 40 classified severity #2 P1 (ten customers); 60 breached resolve due 60; 70 stopped_late resolve due 60

== Severity 6: a version that begins asks nobody anew: the next event that says what it asks for does
severity: [{severity: P3}]
severity 30: [{severity: P1, when: {workaround: false}}, {severity: P3}]
0 opened impact={workaround:false}; 40 updated title=Down; 50 updated affected_customers=2; 60 updated impact={workaround:false}
=> 0 classified severity P3; 60 classified severity #2 P1

== Severity 6: nor does an event that says nothing of what the new version asks for
severity: [{severity: P3}]
severity 30: [{severity: P1, when: {region: EU}}, {severity: P3}]
0 opened region=EU; 40 updated impact={workaround:false}; 50 updated customer={id:c1}; 60 updated region=EU
=> 0 classified severity P3; 60 classified severity #2 P1

== Severity 6: it begins with its instant
severity: [{severity: P3}]
severity 30: [{severity: P1, when: {workaround: false}}, {severity: P3}]
30 opened impact={workaround:false}
=> 30 classified severity P1

== Severity 6: before the first version there are no rules
severity 30: [{severity: P1, when: {affected_customers: {at_least: 10}}}]
default_severity: P2
clocks: {resolve: {budget: {P1: 60m, P2: 90m}}}
0 opened affected_customers=12; 91 resolved
=> 90 breached resolve due 90; 91 stopped_late resolve due 90

== Severity 6: policies match by the severity that the rules of the opening give
severity: [{severity: P3}]
severity 30: [{severity: P0, when: {data_loss: true}}]
--- grave
match: {severity: P0}
clocks: {acknowledge: {budget: {P0: 5m}}}
--- everyone
clocks: {acknowledge: {budget: {P0: 60m, P3: 60m}}}
29 opened impact={data_loss:true}; 36 now
=> 29 classified severity P3

== Severity 6: a version that is added changes nothing that lies before it, whatever comes late
severity: [{severity: P1, when: {affected_customers: {at_least: 20}}}, {severity: P3}]
clocks: {resolve: {budget: {P1: 60m, P3: 120m}}}
reload:
severity: [{severity: P1, when: {affected_customers: {at_least: 20}}}, {severity: P3}]
severity 30: [{severity: P1, when: {affected_customers: {at_least: 10}}}, {severity: P3}]
clocks: {resolve: {budget: {P1: 60m, P3: 120m}}}
0 opened affected_customers=12; 20 updated affected_customers=13; 25 reload; 10 updated title=Down :late; 121 resolved
=> 0 classified severity P3; 120 breached resolve due 120; 121 stopped_late resolve due 120
"""


@pytest.mark.parametrize("case", cases(SEVERITY_RULES), ids=lambda case: case.rule)
def test_rule(case: Case) -> None:
    assert play(case) == case.expected


WAYS: dict[str, list[object]] = {
    "data_loss": [True, False],
    "workaround": [True, False],
    "affected_customers": [3, 30],
}


def drawn(rng: Random) -> Matrix:
    conditions = [Condition(name, any_of=(value,)) for name, values in WAYS.items() for value in values]
    return Matrix(
        [
            SeverityRule(rng.choice(SEVERITIES), tuple(rng.sample(conditions, rng.randrange(3))))
            for _ in range(rng.randrange(1, 5))
        ]
    )


def first_that_matches(matrix: Matrix, known: Attributes) -> str:
    return next((rule.severity for rule in matrix.rules if matches(rule.when, known)), "")


def test_an_answer_holds_in_whatever_way_the_unknown_turns_out() -> None:
    answers = 0
    for seed in range(2_000):
        rng = Random(seed)  # noqa: S311  # a seed makes it repeatable
        matrix = drawn(rng)
        known = {name: rng.choice(values) for name, values in WAYS.items() if rng.random() < 0.5}
        answer = matrix.answer(known, triaged=False, otherwise=rng.choice(["", *SEVERITIES]))
        unknown = [name for name in WAYS if name not in known]
        for values in product(*(WAYS[name] for name in unknown)):
            found = first_that_matches(matrix, known | dict(zip(unknown, values, strict=True)))
            if answer.severity and answer.undecided:
                assert rank(found) <= rank(answer.severity), seed
            elif answer.severity:
                assert found == answer.severity, seed
        answers += bool(answer.severity)
        settled = matrix.answer(known, triaged=True, otherwise="")
        assert (settled.severity, settled.undecided) == (first_that_matches(matrix, known), ()), seed
    assert answers > 500


RULES = Matrix(
    [
        SeverityRule("P0", (Condition("data_loss", any_of=(True,)), Condition("scope", any_of=("all",)))),
        SeverityRule("P1", (Condition("tags_any", any_of=("vip", "press")),), "somebody looks"),
        SeverityRule("P2", (Condition("revenue_at_risk", at_least=1000, at_most=5000),)),
        SeverityRule("P3", (Condition("workaround", any_of=(True,)),)),
    ]
)


@pytest.mark.parametrize(
    ("known", "severity", "inputs", "unknown"),
    [
        ({"tags": ["eu", "vip"]}, "P1", {"tags": ("eu", "vip")}, ("data_loss", "scope")),
        ({"scope": "all", "tags": ["vip"]}, "P1", {"scope": "all", "tags": ("vip",)}, ("data_loss",)),
        ({"scope": "one", "tags": ["vip"]}, "P1", {"scope": "one", "tags": ("vip",)}, ()),
        ({"scope": "one", "revenue_at_risk": 1000}, "P2", {"scope": "one", "revenue_at_risk": 1000}, ()),
        ({"scope": "one", "revenue_at_risk": 5000.5, "workaround": True}, "P3",
         {"scope": "one", "revenue_at_risk": 5000.5, "workaround": True}, ()),
        ({"scope": "one"}, "", {"scope": "one"}, ("revenue_at_risk", "workaround")),
        ({"scope": "one", "workaround": False}, "", {"scope": "one", "workaround": False}, ("revenue_at_risk",)),
    ],
)  # fmt: skip
def test_a_classification_tells_what_is_known_and_what_is_not_of_what_the_rules_ask(
    known: Attributes, severity: str, inputs: dict[str, object], unknown: tuple[str, ...]
) -> None:
    answer = RULES.answer(known, triaged=False, otherwise="P2")
    told = classification(answer, known, disagrees=False)
    assert (told.severity, dict(told.inputs), told.unknown) == (severity, inputs, unknown)


def test_of_two_rules_with_one_severity_the_first_need_not_be_known() -> None:
    either = [SeverityRule("P1", (Condition(name, any_of=(True,)),)) for name in ("data_loss", "security")]
    assert Matrix(either).answer({"security": True}, triaged=False, otherwise="P3").severity == "P1"
