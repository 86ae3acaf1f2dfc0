"""Which policy opens an escalation, found anew by the text of the policies and the data of its opening."""

from typing import NamedTuple

from random_known import CONDITIONS

from engine.core.facts import Fact
from engine.core.instants import Instant, parse_instant


class Document(NamedTuple):
    """Of a policy, what says for whom it is."""

    name: str
    version: str
    begins: Instant
    tier: str
    """Empty: of any."""
    when: str


class Matching:
    """Told the text of a book, it says name and version of the policy of each opening."""

    def __init__(self, text: str) -> None:
        keys = [_keys(one) for one in text.split("---\n") if one.startswith("policy: ")]
        self._names = list(dict.fromkeys(one["policy"] for one in keys))
        self._documents = [_document(one) for one in keys if "withdrawn" not in one]

    def of(self, opening: Fact) -> tuple[str, str]:
        """Both empty where none takes it."""
        for name in self._names:
            begun = [one for one in self._documents if one.name == name and one.begins <= opening.at]
            latest = max(begun, key=lambda one: one.begins, default=None)
            if latest is not None and _takes(latest, opening):
                return name, latest.version
        return "", ""


def _keys(document: str) -> dict[str, str]:
    """Those of one line."""
    pairs = (line.partition(": ") for line in document.splitlines() if not line.startswith(" "))
    return {key: value.strip('"') for key, _, value in pairs if value}


def _document(keys: dict[str, str]) -> Document:
    tier = keys.get("match", "").removeprefix("{tier: ").removesuffix("}")
    begins = keys["effective_from"]
    return Document(keys["policy"], begins, parse_instant(begins), tier, keys.get("when", ""))


def _takes(document: Document, opening: Fact) -> bool:
    customer = opening.data.get("customer")
    tier = customer.get("tier") if isinstance(customer, dict) else None
    return document.tier in ("", tier) and (not document.when or CONDITIONS[document.when](opening.data))
