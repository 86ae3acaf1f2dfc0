"""kafka-python checks what it reads by native code: in Python that costs more than all else we do with it."""

import time

from kafka.record._crc32c import crc as in_python
from kafka.record.util import calc_crc32c


def test_a_checksum_is_no_python() -> None:
    data = bytes(100_000)
    began = time.thread_time()
    expected = in_python(data)
    slow = time.thread_time() - began
    began = time.thread_time()
    assert calc_crc32c(data) == expected
    assert time.thread_time() - began < slow / 20
