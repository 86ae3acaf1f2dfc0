"""On which partition of a topic lies what belongs to an escalation."""

from aiokafka.partitioner import murmur2


def partition_of(key: bytes, partitions: int) -> int:
    """As Kafka's own producers choose it; the contract asks all producers for the same."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
