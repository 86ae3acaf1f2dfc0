"""Examines the broker and what is on it: addresses, credentials, topics, the consumer group, clocks."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from aiokafka import errors as aio
from aiokafka.conn import create_conn
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import (
    AuthorizationError,
    CoordinatorNotAvailableError,
    KafkaError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from kafka.protocol.api_key import ApiKey

from engine.cli.certificates import examine_brokers, examine_own
from engine.cli.exits import ExitCode
from engine.cli.findings import Finding, fail, ok, skip, warn
from engine.settings import Settings
from engine.stream.allowed import lacking
from engine.stream.checks import DIFFERENT_COUNTS, WRONG_TLS, lost_by, record_limits, refused_by_tls
from engine.stream.lost import (
    NEW_TOPICS,
    by_its_coordinator,
    committed,
    lost_state,
    more_partitions,
    remedy,
    told,
)
from engine.stream.rights import roles

_REFUSED = ExitCode.REFUSED
DISK_WARN, DISK_FAIL = 0.15, 0.05
"""Of a broker's disk that is free. A full one ends the broker."""
SKEW_WARN_SECONDS = 1.0
SKEW_FAIL_SECONDS = 60.0
"""Events from five minutes ahead are dead-lettered; long before that verdicts are wrong by the skew."""


def role_of(settings: Settings) -> str:
    """Whose principal we are by its name (`engine.stream.rights`); the worker's, where it is nobody's."""
    by_principal = {role.principal: name for name, role in roles(settings).items()}
    return by_principal.get(settings.sasl_username, "worker")


def examine_cluster(settings: Settings, timeout: float, role: str = "worker") -> Iterator[Finding]:
    """Everything about the broker, from the outside in; ends where nothing further can be seen. `role`: whose
    rights we should have."""
    try:
        options = settings.client_options()
    except OSError as error:
        advice = "check VIGIL_TLS_CA_FILE, VIGIL_TLS_CERT_FILE and VIGIL_TLS_KEY_FILE: PEM, and of one pair"
        yield fail("credentials", f"TLS files: {error}", advice, ExitCode.REFUSED)
        return
    yield from examine_own(settings)
    servers = options["bootstrap_servers"]
    broken = asyncio.run(_connect_all(servers, options, timeout))
    if len(broken) == len(servers):
        yield from broken.values()
        return
    for finding in broken.values():  # clients go on to the next of them, but not with wrong credentials
        is_away = finding.code is ExitCode.UNREACHABLE
        yield warn(finding.check, finding.found, f"another answers; {finding.advice}") if is_away else finding
    try:
        admin = KafkaAdminClient(
            **options | {"bootstrap_servers": [server for server in servers if server not in broken]},
            bootstrap_timeout_ms=int(timeout * 1000),
            request_timeout_ms=int(timeout * 1000),
        )
    except KafkaError as error:
        advice = f"is VIGIL_SECURITY_PROTOCOL={settings.security_protocol} what this listener expects?"
        found = f"{settings.bootstrap_servers} accepts a connection and answers no request: {error}"
        yield fail("broker", found, advice, ExitCode.UNREACHABLE)
        return
    try:
        yield from _examine_with(admin, settings, options, timeout, role)
    finally:
        admin.close()


def _examine_with(
    admin: KafkaAdminClient, settings: Settings, options: dict[str, Any], timeout: float, role: str
) -> Iterator[Finding]:
    nodes = [address(node["host"], node["port"]) for node in admin.describe_cluster()["brokers"]]
    unreachable = asyncio.run(_connect_all(nodes, options, timeout))
    for server, finding in unreachable.items():
        advice = "this is the address that the broker advertises: make it one that workers can reach"
        yield finding._replace(found=f"{finding.found} ({server} is advertised)", advice=advice)
    if not unreachable:
        who = f"as {settings.sasl_username}" if settings.sasl_username else settings.security_protocol
        yield ok("broker", f"{len(nodes)} reachable ({', '.join(nodes)}), {who}")
    yield from examine_brokers(settings, [node for node in nodes if node not in unreachable], timeout)
    yield from _transactions(admin, settings)
    may = {right.name for right in roles(settings)[role].rights if right.kind == "group"}
    examiners: dict[str, Callable[[], Iterator[Finding]]] = {
        "topics": lambda: examine_topics(admin, settings, role),
        "group": lambda: _group(admin, settings),
        "clock": lambda: _clock(admin),
        "disks": lambda: _disks(admin),
    }
    for check, examine in examiners.items():
        try:
            yield from examine()
        except AuthorizationError as error:
            if check == "group" and settings.app_id not in may:
                yield skip(check, f"{settings.app_id}: nothing that the {role} may look at")
            else:
                yield fail(check, _text(error), _RIGHTS, ExitCode.REFUSED)
        except KafkaError as error:
            yield fail(check, _text(error), "the broker answers, and refuses this; its log says why")


def address(host: str, port: int) -> str:
    """As VIGIL_BOOTSTRAP_SERVERS and URLs have it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _connect_all(
    servers: Sequence[str], options: dict[str, Any], patience: float
) -> dict[str, Finding]:
    """What is wrong with each server that cannot be talked to; those that can be are absent."""
    found = await asyncio.gather(*(_connect(server, options, patience) for server in servers))
    return {server: finding for server, finding in zip(servers, found, strict=True) if finding is not None}


async def _connect(server: str, options: dict[str, Any], patience: float) -> Finding | None:
    host, _, port = server.rpartition(":")
    given = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    try:
        connecting = create_conn(
            host.strip("[]"), int(port), request_timeout_ms=int(patience * 1000), **given
        )
        (await asyncio.wait_for(connecting, patience)).close()
    except (aio.SaslAuthenticationFailed, aio.AuthenticationFailedError) as error:
        return fail(
            "credentials",
            f"{server}: {error.args[0] if error.args else error}",
            _WRONG_USER,
            ExitCode.REFUSED,
        )
    except aio.UnsupportedSaslMechanismError:
        found = f"{server} does not offer {options['sasl_mechanism']}"
        return fail("credentials", found, "set VIGIL_SASL_MECHANISM to one that it offers", ExitCode.REFUSED)
    except aio.IllegalSaslStateError:
        found = f"{server} asks for no credentials, and some are configured"
        return fail("credentials", found, "check the port and VIGIL_SECURITY_PROTOCOL", ExitCode.REFUSED)
    except TimeoutError:
        return fail("broker", f"{server}: no answer within {patience:g} s", _AWAY, ExitCode.UNREACHABLE)
    except (OSError, aio.KafkaError) as error:
        if (refusal := refused_by_tls(error)) is not None:
            return fail("credentials", f"{server}: {refusal}", WRONG_TLS, ExitCode.REFUSED)
        return fail("broker", f"{server}: {_text(error)}", _AWAY, ExitCode.UNREACHABLE)
    return None


_WRONG_USER = "check VIGIL_SASL_USERNAME, VIGIL_SASL_PASSWORD and VIGIL_SASL_MECHANISM"
_AWAY = "is it running, is VIGIL_BOOTSTRAP_SERVERS right, does a firewall or TLS stand between?"


def _text(error: Exception) -> str:
    """A message that is never empty."""
    return str(error) or type(error).__name__


def examine_topics(admin: KafkaAdminClient, settings: Settings, role: str) -> Iterator[Finding]:
    """Whether every topic is there, agrees with the others in partitions, and is safe enough.

    What fails here is what a worker refuses (`engine.stream.checks`); this lists all of it at once.
    """
    described = {topic["name"]: topic for topic in admin.describe_topics(list(settings.all_topics))}
    missing: list[str] = []
    there: dict[str, dict[str, Any]] = {}
    problems: list[Finding] = []
    for name in settings.all_topics:
        error = for_code(described[name]["error_code"])
        if error is UnknownTopicOrPartitionError:
            missing.append(name)
        elif error is TopicAuthorizationFailedError:
            continue  # `_rights` says so
        elif described[name]["error_code"]:
            problems.append(fail("topics", f"{name}: {error.__name__}", "look at the broker's log"))
        else:
            there[name] = described[name]
    if missing:
        problems.append(
            fail("topics", f"missing: {', '.join(missing)}", "vigil topics create", ExitCode.REFUSED)
        )
    problems += _rights(admin, settings, role)
    if there:
        problems += _partitions(there)
        problems += _replicas(there, settings)
        problems += _configs(admin, there, settings)
    if there and not problems:
        problems.append(ok("topics", f"{len(there)}, {_counts(there).popitem()[1]} partitions each"))
    yield from problems


_RIGHTS = "`vigil topics acls` lists what each process's principal needs, and the commands that grant it"


def _counts(there: Mapping[str, dict[str, Any]]) -> dict[str, int]:
    return {name: len(topic["partitions"]) for name, topic in there.items()}


def _partitions(there: Mapping[str, dict[str, Any]]) -> Iterator[Finding]:
    """A record keeps its partition number on its way through all topics."""
    counts = _counts(there)
    if len(set(counts.values())) > 1:
        usual = Counter(counts.values()).most_common(1)[0][0]
        wrong = [f"{name} has {count}" for name, count in counts.items() if count != usual]
        found = f"{', '.join(wrong)}; the others have {usual}"
        yield fail("partitions", found, DIFFERENT_COUNTS, ExitCode.REFUSED)


def _replicas(there: Mapping[str, dict[str, Any]], settings: Settings) -> Iterator[Finding]:
    partitions = [
        (name, f"{name}/{partition['partition_index']}", partition)
        for name, topic in there.items()
        for partition in topic["partitions"]
    ]
    single = sorted({topic for topic, _, p in partitions if len(p["replica_nodes"]) < 2})
    leaderless = [name for _, name, p in partitions if p["leader_id"] < 0]
    behind = [name for _, name, p in partitions if len(p["isr_nodes"]) < len(p["replica_nodes"])]
    if single and settings.env != "dev":
        found = f"replication factor 1: {', '.join(single)}"
        advice = "one broken disk loses them; raise it to 3, or set VIGIL_ENV=dev where that is meant"
        yield fail("replication", found, advice, ExitCode.REFUSED)
    if leaderless:
        yield fail("replication", f"no leader: {_some(leaderless)}", "a broker that holds them is down")
    elif behind:
        yield warn("replication", f"replicas are behind: {_some(behind)}", "a broker is down or slow")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _rights(admin: KafkaAdminClient, settings: Settings, role: str) -> Iterator[Finding]:
    # `_group` looks at the group, and knows of a broker on which none has ever run.
    rights = [right for right in roles(settings)[role].rights if right.kind != "group"]
    for right in lacking(admin, rights):
        found = f"{right.name}: the {role} is not allowed to {' or '.join(right.operations)}"
        yield fail("rights", found, _RIGHTS, ExitCode.REFUSED)


def _configs(
    admin: KafkaAdminClient, there: Mapping[str, dict[str, Any]], settings: Settings
) -> Iterator[Finding]:
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in there]
    try:
        answer = admin.describe_configs(asked, config_filter="all")["topic"]
    except KafkaError as error:
        yield skip("changelog", f"the broker does not tell how topics are configured: {_text(error)}")
        return
    configs = {
        topic: {name: entry["value"] for name, entry in found.items()} for topic, found in answer.items()
    }
    for topic, there_is in configs.items():
        policy = there_is.get("cleanup.policy")
        if policy is not None and (loss := lost_by(settings, topic, policy)):
            what = "changelog" if topic == settings.changelog_topic else "topics"
            found = f"{topic}: cleanup.policy={policy}: {loss.what}"
            yield fail(what, found, loss.remedy, ExitCode.REFUSED)
    if settings.env != "dev":
        weak = [name for name, found in configs.items() if int(found.get("min.insync.replicas", 2)) < 2]
        if weak:
            advice = "an acknowledged write may be on one disk only: set min.insync.replicas=2"
            yield warn("replication", f"min.insync.replicas 1: {_some(weak)}", advice)
    for topic, setting in record_limits(settings):
        needed, limit = getattr(settings, setting), configs.get(topic, {}).get("max.message.bytes")
        if limit is not None and int(limit) < needed:
            advice = f"set max.message.bytes={needed} on it, or VIGIL_{setting.upper()}={limit}"
            yield fail("limits", f"{topic}: takes {limit} bytes, and we may send {needed}", advice, _REFUSED)


def _transactions(admin: KafkaAdminClient, settings: Settings) -> Iterator[Finding]:
    if settings.delivery != "transactions":
        advice = "VIGIL_DELIVERY=transactions, where the broker has them, says each outcome once"
        yield warn("delivery", "acknowledged: an outcome may be said twice after a crash", advice)
        return
    if ApiKey.EndTxn not in admin.api_versions():
        advice = "set VIGIL_DELIVERY=acknowledged for this broker"
        yield fail("delivery", "this broker has no transactions", advice, ExitCode.REFUSED)
        return
    try:
        hanging = [
            transaction["transactional_id"]
            for transaction in admin.find_hanging_transactions(
                max_transaction_timeout_ms=int(settings.transaction_timeout * 1000)
            )
            if transaction["transactional_id"].startswith(f"{settings.app_id}-")
        ]
    except KafkaError as error:
        yield skip("delivery", f"transactions; whether one hangs is not told: {_text(error)}")
        return
    if hanging:
        advice = "readers of committed data wait behind them; a worker that owns the partition ends them"
        yield fail("delivery", f"hanging transactions: {_some(hanging)}", advice)
    else:
        yield ok("delivery", "exactly once, by transactions; none hangs")


def _group(admin: KafkaAdminClient, settings: Settings) -> Iterator[Finding]:
    """Who works, on how many partitions, and how far behind."""
    try:
        group = by_its_coordinator(lambda: admin.describe_groups([settings.app_id]))[settings.app_id]
    except CoordinatorNotAvailableError as error:
        yield skip("group", f"no consumer group has ever run on this broker ({_text(error)})")
        yield from _lag(admin, settings, {})
        return
    members = group["members"]
    if not members:
        yield warn("group", f"{settings.app_id}: no worker is running", "start one: vigil worker")
    else:
        state = group["group_state"]
        owned = sum(
            len(assigned["partitions"])
            for member in members
            for assigned in (member["member_assignment"] or {}).get("assigned_partitions", ())
            if assigned["topic"] == settings.tickets_topic
        )
        who = "1 worker owns" if len(members) == 1 else f"{len(members)} workers own"
        found = f"{settings.app_id}: {who} {owned} partitions, {state.lower()}"
        if state == "Stable":
            yield ok("group", found)
        else:
            yield warn("group", found, "a rebalance is under way; look again in a moment")
    taken = committed(admin, settings)
    if lost := lost_state(admin, settings, taken):
        yield fail("state", told(settings, lost), remedy(settings), _REFUSED)
    elif more := more_partitions(admin, settings, taken):
        yield fail("state", more, NEW_TOPICS, _REFUSED)
    yield from _lag(admin, settings, taken)


def _lag(
    admin: KafkaAdminClient, settings: Settings, taken: Mapping[TopicPartition, Any]
) -> Iterator[Finding]:
    topics = [
        topic for topic in admin.describe_topics(list(settings.input_topics)) if not topic["error_code"]
    ]
    partitions = [
        TopicPartition(topic["name"], partition["partition_index"])
        for topic in topics
        for partition in topic["partitions"]
    ]
    if not partitions:
        return
    ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    starts = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
    anew = sorted(tp for tp in partitions if tp in taken and taken[tp].offset > ends[tp].offset)
    if anew:
        names = _some([f"{tp.topic}/{tp.partition}" for tp in anew])
        found = f"what was read is beyond the end of {names}: made anew?"
        yield warn("lag", found, "a worker says topic_made_anew there, and reads it from its beginning")
    # Of commands it is ticks, which are asked for again, and the ends of transactions.
    gone = [tp for tp in taken if tp in starts and taken[tp].offset < starts[tp].offset]
    if lost := sorted(f"{tp.topic}/{tp.partition}" for tp in gone if tp.topic != settings.commands_topic):
        advice = "they were kept too short: send them again from their source (docs/runbook.md)"
        yield fail("lag", f"records are gone that were not read, of {_some(lost)}", advice)
    lag = {
        tp: max(0, ends[tp].offset - (taken[tp].offset if tp in taken else starts[tp].offset))
        for tp in partitions
    }
    total, worst = sum(lag.values()), max(lag, key=lambda tp: lag[tp])
    found = f"{total:,} records behind"
    if total > settings.ready_lag:
        advice = "are workers running; if so add some, up to the partition count"
        yield warn("lag", f"{found}, {lag[worst]:,} of them on {worst.topic}/{worst.partition}", advice)
    else:
        yield ok("lag", found)


def _clock(admin: KafkaAdminClient) -> Iterator[Finding]:
    """This machine's clock beside the controller's, which states its own time in the metadata quorum."""
    before = time.time()
    try:
        quorum = admin.describe_metadata_quorum()["topics"][0]["partitions"][0]
    except (KafkaError, LookupError) as error:
        yield skip("clock", f"the broker does not tell its time ({_text(error)})")
        return
    after = time.time()
    times = {voter["replica_id"]: voter["last_caught_up_timestamp"] for voter in quorum["current_voters"]}
    told = times.get(quorum["leader_id"], -1)
    if told <= 0:
        yield skip("clock", "the broker does not tell its time")
        return
    skew = (before + after) / 2 - told / 1000
    uncertain = (after - before) / 2
    found = f"{skew:+.3f} s beside the controller's (± {uncertain:.3f} s)"
    advice = "run NTP here and on the brokers: breaches are judged by this machine's clock"
    if abs(skew) - uncertain > SKEW_FAIL_SECONDS:
        yield fail("clock", found, advice)
    elif abs(skew) - uncertain > SKEW_WARN_SECONDS:
        yield warn("clock", found, advice)
    else:
        yield ok("clock", found)


def _disks(admin: KafkaAdminClient) -> Iterator[Finding]:
    """What is free on the brokers' disks, where we may ask and the broker tells."""
    least: tuple[float, str] | None = None
    for broker in admin.describe_log_dirs():
        for place in broker["log_dirs"]:
            where = f"broker {broker['broker']}, {place['log_dir']}"
            if place["error_code"]:
                why = for_code(place["error_code"]).__name__
                yield fail("disks", f"{where}: {why}", "look at the broker's log and at its disk")
            elif place["total_bytes"] > 0:
                free = place["usable_bytes"] / place["total_bytes"]
                least = min(least or (free, where), (free, where))
    if least is None:
        yield skip("disks", "the brokers do not tell what is free (who may Describe the cluster is told)")
        return
    free, where = least
    found = f"{free:.0%} free at the fullest: {where}"
    advice = "a full disk ends the broker: make room, or keep events for less long"
    if free < DISK_FAIL:
        yield fail("disks", found, advice)
    elif free < DISK_WARN:
        yield warn("disks", found, advice)
    else:
        yield ok("disks", found)
