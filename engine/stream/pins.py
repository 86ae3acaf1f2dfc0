"""Escalations and patterns pin the policy versions that judged them: is each still in the book?"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from engine.core.decide import pinned_policies
from engine.core.policy import Book
from engine.settings import Settings

SLICE = 2_000


class Vanished(NamedTuple):
    """A policy version that an escalation needs and the book has not."""

    policy: str
    version: str
    hash: str
    """Of its content: a version that was edited in place is another one."""
    escalation: str
    """One of those that pin it."""


def put_back(settings: Settings, book: Book, name: str, version: str) -> str:
    """What to do where a version is gone; the book may have another of the same beginning."""
    if any((policy.name, policy.version) == (name, version) for policy in book.policies):
        return (
            f"{name} of {version} in {settings.policies} has another content: undo the edit, and give it an"
            " effective_from of its own. Where escalations have opened by both, keep the wrong one with"
            " `withdrawn: true` (docs/policies.md, Changing a policy)"
        )
    return f"put that version back into {settings.policies}, beside the new one"


async def vanished_policy(book: Book, records: Mapping[bytes, bytes]) -> Vanished | None:
    """The first pinned version of one partition's state that the book does not have.

    Whatever is there may need it: what is resolved owes its review, and a late event or a reopening is judged
    by it until the correction window ends, a quiet pattern by its next occurrence.
    """
    known = {(policy.name, policy.hash) for policy in (*book.policies, *book.withdrawn)}
    for number, (key, record) in enumerate(list(records.items())):
        if b"\0" not in key:
            for pin in pinned_policies(record):
                if (pin[0], pin[2]) not in known:
                    return Vanished(*pin, escalation=key.decode())
        if number % SLICE == SLICE - 1:
            await asyncio.sleep(0)
    return None
