"""A topic of one partition, as a consumer reads it, on a broker that is none."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4


class OnePartition:
    """What kafka-python's consumer is asked for about places. Whoever stands in says what lies there."""

    def __init__(self) -> None:
        self._at = 0
        self.id: UUID | None = uuid4()
        self._cluster = SimpleNamespace(topic_id=lambda _: self.id)

    def connect(self) -> Any:
        return self

    def partitions_for_topic(self, _: str) -> set[int]:
        return {0}

    def assign(self, _: object) -> None:
        pass

    def seek(self, _: object, offset: int) -> None:
        self._at = offset

    def close(self, autocommit: bool) -> None:
        pass
