"""A parser with a mistake in it, so that the search can be seen to find one."""

MAGIC = b"clock"


def parse(data: bytes) -> float:
    """The rate of `clock:NUMBER:NUMBER`; ValueError for what is none. It forgets that one may be zero."""
    magic, _, rest = data.partition(b":")
    if magic != MAGIC:
        raise ValueError("expected a clock")
    first, _, second = rest.partition(b":")
    return int(first) / int(second)
