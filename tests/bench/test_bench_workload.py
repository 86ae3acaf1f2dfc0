"""What is measured with: an ordinary workload, the same every run, that contract and core take whole."""

from engine.bench.backlog import partition_of
from engine.bench.parts import decide, measure_parts
from engine.bench.standard import standard_policies
from engine.bench.workload import events, promises, record
from engine.contract.codec import Received, decode
from engine.core.instants import MINUTE, Instant, Span
from engine.policies import load


def test_the_workload_is_the_same_every_run_and_another_with_another_seed() -> None:
    assert events(50, 500) == events(50, 500)
    assert events(50, 500) != events(50, 500, seed=2)


def test_the_workload_has_as_many_events_and_escalations_as_were_asked_for() -> None:
    for escalations, count in ((50, 500), (7, 100), (100, 250)):
        made = events(escalations, count)
        assert len(made) == count
        assert len({event.subject for event in made}) == escalations


def test_the_workload_comes_in_order_of_time_and_each_life_in_its_own_order() -> None:
    made = events(50, 500)
    assert [event.at for event in made] == sorted(event.at for event in made)
    for subject in {event.subject for event in made}:
        life = [event for event in made if event.subject == subject]
        assert [event.number for event in life] == list(range(10))
        assert life[0].verb == "opened"
        assert "closed" in (life[-1].verb, life[-2].verb)


def test_the_contract_takes_every_event_of_the_workload() -> None:
    now = Instant(1_800_000_000_000_000)
    for event in [*events(50, 600), *promises(20, now, Span(MINUTE), Span(MINUTE))]:
        said = decode(*record(event), event.at // 1000)
        assert isinstance(said, Received), said
        assert (said.subject, said.fact.kind, said.fact.at) == (event.subject, event.verb, event.at)


def test_the_core_says_about_one_outcome_an_event_and_all_escalations_end() -> None:
    made = events(200, 2_000)
    facts = [said for event in made if isinstance(said := decode(*record(event), event.at // 1000), Received)]
    outcomes = decide(load(standard_policies()), facts, 100)
    assert 0.5 < len(outcomes) / len(made) < 2.5
    resolved = {one.subject for one in outcomes if one.metric == "resolve" and one.name != "breach_risk"}
    assert len(resolved) == 200


def test_chunks_do_not_change_what_is_said() -> None:
    made = events(40, 400)
    facts = [said for event in made if isinstance(said := decode(*record(event), event.at // 1000), Received)]
    book = load(standard_policies())
    said = [[one.id for one in decide(book, facts, chunk)] for chunk in (1, 7, 400)]
    assert said[0] == said[1] == said[2]


def test_keys_go_to_the_partitions_that_other_clients_choose() -> None:
    from kafka.partitioner.default import murmur2

    for number in range(500):
        key = f"zendesk:acme:{number}".encode()
        assert partition_of(key, 12) == (murmur2(key) & 0x7FFFFFFF) % 12


def test_the_parts_are_measured_and_cost_something() -> None:
    costs = measure_parts(standard_policies(), escalations=20, count=200)
    assert len(costs) == 9
    assert all(0 < cost.microseconds < 100_000 for cost in costs)
