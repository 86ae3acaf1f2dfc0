"""How commitments behave, a case a rule, in the notation of `case_notation`."""

# ruff: noqa: E501  # a line of facts stays a line

import pytest
from case_notation import Case, cases, play

COMMITMENTS = """
== Commitments 1: kept in time is met
0 opened P1; 10 commitment_made c1 due_at=@60; 60 commitment_kept c1
=> 60 met commitment/c1 due 60

== Commitments 1: silent is missed, kept late is stopped late
0 opened P1; 10 commitment_made c1 due_at=@60; 70 commitment_kept c1
=> 60 commitment_missed commitment/c1 due 60; 70 stopped_late commitment/c1 due 60

== Commitments 1: at risk at thresholds and lead times
picture: commitments-1-risk
commitments: {risk: [50%, "15m before due"]}
0 opened P1; 0 commitment_made c1 due_at=@60; 59 now
=> 30 breach_risk commitment/c1 due 60 50%; 45 breach_risk commitment/c1 due 60 15m before due

== Commitments 1: withdrawn is cancelled, with the reason
0 opened P1; 10 commitment_made c1 due_at=@60; 20 commitment_withdrawn c1 reason=superseded; 90 now
=> 20 cancelled commitment/c1 due 60 (superseded)

== Commitments 1: withdrawn without a reason, that is the reason
commitments: {risk: []}
0 opened P1; 10 commitment_made c1 due_at=@60; 20 commitment_withdrawn c1; 90 now
=> 20 cancelled commitment/c1 due 60 (withdrawn)

== Commitments 1: waived, the open ones are exempt, with the reason
0 opened P1; 10 commitment_made c1 due_at=@60; 20 waived commitment reason=agreed; 90 now
=> 20 waived commitment/c1 due 60 (agreed)

== Commitments 1: renegotiated before it is due it moves
0 opened P1; 10 commitment_made c1 due_at=@60; 50 commitment_renegotiated c1 due_at=@90; 80 commitment_kept c1
=> 80 met commitment/c1 due 90

== Commitments 1: renegotiated after it is due the miss stays, the new time is the next cycle
picture: commitments-1
0 opened P1; 10 commitment_made c1 due_at=@60; 70 commitment_renegotiated c1 due_at=@90; 80 commitment_kept c1
=> 60 commitment_missed commitment/c1 due 60; 70 cancelled commitment/c1 due 60 (renegotiated); 80 met commitment/c1 #2 due 90

== Commitments 1: renegotiated after each of two misses, each is over with the next time
0 opened P1; 10 commitment_made c1 due_at=@20; 30 commitment_renegotiated c1 due_at=@40; 50 commitment_renegotiated c1 due_at=@50; 60 commitment_made c1 due_at=@90; 95 commitment_kept c1
=> 20 commitment_missed commitment/c1 due 20; 30 cancelled commitment/c1 due 20 (renegotiated)
=> 40 commitment_missed commitment/c1 #2 due 40; 50 cancelled commitment/c1 #2 due 40 (renegotiated)
=> 50 commitment_missed commitment/c1 #3 due 50; 60 cancelled commitment/c1 #3 due 50 (renegotiated)
=> 90 commitment_missed commitment/c1 #4 due 90; 95 stopped_late commitment/c1 #4 due 90

== Commitments 1: no pause holds it, and two of them are two
0 opened P1; 0 paused any; 10 commitment_made c1 due_at=@60; 11 commitment_made c2 due_at=@50; 61 now
=> 50 commitment_missed commitment/c2 due 50; 60 commitment_missed commitment/c1 due 60

== Commitments 1: it outlives the closing
0 opened P1; 10 commitment_made c1 due_at=@60; 20 closed; 61 now
=> 60 commitment_missed commitment/c1 due 60

== Commitments 1: due before it was made is missed at once
0 opened P1; 10 commitment_made c1 due_at=@5; 11 now
=> 5 commitment_missed commitment/c1 due 5

== Commitments 1: of an unknown id changes nothing
0 opened P1; 10 commitment_kept c9; 20 commitment_renegotiated c9 due_at=@30; 90 now
=> nothing

== Commitments 1: renegotiated twice before it is due, only the last time binds
0 opened P1; 10 commitment_made c1 due_at=@60; 20 commitment_renegotiated c1 due_at=@30; 25 commitment_renegotiated c1 due_at=@90; 91 now
=> 90 commitment_missed commitment/c1 due 90
"""


@pytest.mark.parametrize("case", [pytest.param(case, id=case.rule) for case in cases(COMMITMENTS)])
def test_rule(case: Case) -> None:
    assert play(case) == case.expected
