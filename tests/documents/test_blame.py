"""Words that blame are found; the same words of machines are not."""

import pytest

from engine.documents.blame import find

BLAMES = [
    ("The root cause was human error.", "human error"),
    ("It was Kim's fault that the pool was too small.", "Kim's fault"),
    ("Kim\u2019s mistake took the shop down.", "Kim\u2019s mistake"),
    ("The on-call's negligence made it worse.", "The on-call's negligence"),
    ("Kim was careless with the flag.", "careless"),
    ("The team was at fault.", "team was at fault"),
    ("Kim should have known that the pool was small.", "should have known"),
    ("They should have checked the dashboard.", "They should have checked"),
    ("He shouldn't have deployed on a Friday.", "He shouldn't have deployed"),
    ("This could have been prevented.", "could have been prevented"),
    ("If only we had looked at the alert.", "If only we"),
    ("The engineer failed to run the test.", "engineer failed to"),
    ("Kim failed to run the test.", "Kim failed to"),
    ("Somebody forgot the migration.", "Somebody forgot"),
    ("The on-call ignored the page.", "on-call ignored"),
    ("We obviously overlooked the limit.", "We obviously overlooked"),
    ("A developer broke production.", "developer broke production"),
    ("Kim caused the outage.", "Kim caused the outage"),
    ("Who broke it?", "Who broke it"),
    ("The outage was caused by an engineer.", "outage was caused by an engineer"),
    ("Nobody bothered, it was a rookie mistake.", "rookie mistake"),
    ("Be more careful with flags.", "Be more careful"),
    ("Remind all engineers to read the runbook.", "Remind all engineers to"),
    ("Retrain the staff.", "Retrain the staff"),
    ("The operators neglected to\nrotate it.", "neglected to"),
]

BLAMES_NOBODY = [
    "The payment service failed to connect to the database.",
    "The Datadog agent failed to start after the upgrade.",
    "The Kubernetes operator ignored the label, the cluster manager forgot the node.",
    "A page fault, fault tolerance, fault domains and fault injection are no one's words.",
    "The alert should have fired at 80 % of the pool.",
    "The retry caused the outage: the pool had 20 connections.",
    "Lazy loading kept the cache cold; git blame shows the change of May.",
    "User errors rose to 4 %; the human-readable error message said nothing.",
    "A blameless review asks how, and not who.",
    "The deployment was rolled back by Kim at 10:04.",
    "Kim saw 20 free connections, and deployed; nothing showed the 400 that waited.",
    "The outage was caused by the admin console writing to both regions.",
    "Alerts fired, the team was paged, and support answered in 4 minutes.",
    "The check was skipped: nothing asked for it.",
]


@pytest.mark.parametrize(("text", "words"), BLAMES)
def test_words_that_blame_are_found_with_a_neutral_wording(text: str, words: str) -> None:
    found = find(text, ["Kim"])
    assert [text[one.start :][: len(one.words)].replace("\n", " ") for one in found] == [words]
    assert found[0].instead


@pytest.mark.parametrize("text", BLAMES_NOBODY)
def test_what_speaks_of_machines_or_states_facts_blames_nobody(text: str) -> None:
    assert find(text, ["Kim"]) == []


def test_a_name_is_a_person_only_where_it_is_known() -> None:
    assert find("Redis failed to start.", ["Kim"]) == []
    assert find("Redis failed to start.", ["Redis"]) != []


def test_the_neutral_wordings_blame_nobody() -> None:
    for text, _ in BLAMES:
        for one in find(text, ["Kim"]):
            assert find(one.instead) == []
