"""The topics and the principals as resources of Strimzi, for clusters whose topics and users are its own.

`python -m engine.stream.strimzi` writes deploy/strimzi for the default names (`--check`: only compares);
`vigil topics strimzi` prints those of a deployment. Both are made of the tables that `vigil topics create`
and `vigil topics acls` are made of.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from engine.settings import Settings
from engine.stream.rights import Right, Role, roles, written
from engine.stream.topics import Topic, declared

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "strimzi"
API = "kafka.strimzi.io/v1"
CLUSTER = "kafka"

_KINDS = {"topic": "topic", "group": "group", "transactional-id": "transactionalId"}
_NOT_IN_NAMES = re.compile(r"[^a-z0-9.-]+")


def topics(settings: Settings, cluster: str = CLUSTER) -> str:
    """A KafkaTopic a topic, as YAML. Strimzi then makes and mends them: leave `vigil topics create` out."""
    return _documents(_TOPICS, (_topic(one, cluster) for one in declared(settings)))


def users(settings: Settings, cluster: str = CLUSTER) -> str:
    """A KafkaUser a role, with SCRAM and the least that it needs, as YAML."""
    return _documents(_USERS, (_user(one, cluster) for one in roles(settings).values()))


def _topic(topic: Topic, cluster: str) -> dict[str, Any]:
    return _resource("KafkaTopic", topic.name, cluster) | {
        "spec": {
            "topicName": topic.name,
            "partitions": topic.partitions,
            "replicas": topic.replication_factor,
            "config": dict(topic.configs),
        }
    }


def _user(role: Role, cluster: str) -> dict[str, Any]:
    acls = [_acl(right) for right in role.rights]
    return _resource("KafkaUser", role.principal, cluster) | {
        "spec": {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {"type": "simple", "acls": acls},
        }
    }


def _acl(right: Right) -> dict[str, Any]:
    pattern = "prefix" if right.prefixed else "literal"
    return {
        "resource": {"type": _KINDS[right.kind], "name": right.name, "patternType": pattern},
        "operations": list(right.operations),
        "host": "*",
    }


def _resource(kind: str, name: str, cluster: str) -> dict[str, Any]:
    """Kubernetes takes fewer names than Kafka does: lower case, no underscore."""
    lowered = _NOT_IN_NAMES.sub("-", name.lower()).strip("-.")
    labels = {"strimzi.io/cluster": cluster, "app.kubernetes.io/part-of": "vigil"}
    return {"apiVersion": API, "kind": kind, "metadata": {"name": lowered, "labels": labels}}


def _documents(head: str, resources: Iterator[dict[str, Any]]) -> str:
    return head + "".join("---\n" + yaml.safe_dump(one, sort_keys=False) for one in resources)


_GENERATED = """# Generated: `vigil topics strimzi` prints it for your own settings and cluster,
# `python -m engine.stream.strimzi` writes the file in deploy/strimzi. For Strimzi 0.49 or newer (v1).
"""
_TOPICS = "# Every topic of Vigil, as `vigil topics create` would make it.\n" + _GENERATED
_USERS = "# A user a process, with the least it needs; its password is in the secret so named.\n" + _GENERATED


def main(arguments: list[str]) -> int:
    """The exit code: 1 where a file in deploy/ is not as it must be."""
    defaults = Settings.model_construct()
    files = {"topics.yaml": topics(defaults), "users.yaml": users(defaults)}
    return written(FOLDER, files, "engine.stream.strimzi", check=bool(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
