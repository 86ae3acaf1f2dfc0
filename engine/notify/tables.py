"""The tables of the delivery record: what stands, what each receiver was told of it, and what is to be told.

Times are microseconds since 1970 in UTC (`Instant`). All names begin with `notify_`, so that the record may
live beside an archive in one database. A change here needs a migration in `engine/notify/migrations`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
)

from engine.sql.erasures import erased_table, erasures_table
from engine.sql.offsets import offsets_table

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
)

cycles = Table(
    "notify_cycles",
    metadata,
    Column("id", String, primary_key=True),  # a hash of subject, metric, key and cycle
    Column("said", LargeBinary, nullable=False),  # the outcomes that its alerts hang on: msgpack
    Column("changed", BigInteger, nullable=False),
    Column("subject", String, nullable=False, server_default=""),
    Index(None, "subject"),
)

behind = Table(
    "notify_behind",
    metadata,
    # The id first: what is said again is looked for among those of many cycles.
    Column("id", String, primary_key=True),  # of an outcome that stands, and that no alert hangs on
    Column("cycle", String, primary_key=True),
    Column("said", LargeBinary, nullable=False),  # msgpack
    Index(None, "cycle"),
)

alerts = Table(
    "notify_alerts",
    metadata,
    Column("key", String, primary_key=True),
    Column("cycle", String, nullable=False),
    Column("state", String, nullable=False),
    Column("level", String, nullable=False),
    Column("alert", LargeBinary, nullable=False),  # msgpack
    Column("changed", BigInteger, nullable=False),  # when
    Column("subject", String, nullable=False, server_default=""),
    Index(None, "subject"),
    Index(None, "cycle"),
)

members = Table(
    "notify_members",
    metadata,
    Column("receiver", String, primary_key=True),
    Column("key", String, primary_key=True),  # of the alert
    Column("grp", String, nullable=False),
    Column("told", Integer, nullable=False),  # which change of the alert was told last; 0: none
    Column("shown", Integer, nullable=False),  # as firing: NO, MAYBE or YES of `telling`
    Column("fired", LargeBinary),  # as it fired: to be told though it is over
    Column("again_until", BigInteger),  # its end is said again until then
    Column("quiet", Boolean, nullable=False, server_default=false()),  # no turn need look at it
    Index(None, "receiver", "grp", "quiet"),
    Index(None, "key"),
)

groups = Table(
    "notify_groups",
    metadata,
    Column("receiver", String, primary_key=True),
    Column("grp", String, primary_key=True),
    Column("due", BigInteger),  # when to look at it next; null: when something changes
    Column("held", Boolean, nullable=False),  # it is due when a mute or a silence ends
    Column("told_at", BigInteger),
    Column("attempt", Integer, nullable=False),  # failures since the last success
    Column("since", BigInteger),  # of the first of them
    Column("why", Text, nullable=False),  # of the last of them
    Index(None, "receiver", "due"),
)

memory = Table(
    "notify_memory",
    metadata,
    Column("receiver", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", BigInteger, nullable=False),  # when it was remembered
)

dead = Table(
    "notify_dead",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("receiver", String, nullable=False),
    Column("grp", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("alerts", LargeBinary, nullable=False),  # msgpack
    Column("resent_at", BigInteger),
)

silences = Table(
    "notify_silences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("author", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("match", Text, nullable=False),  # JSON
    Column("starts", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
)

offsets = offsets_table("notify_offsets", metadata)

erasures = erasures_table("notify_erasures", metadata)
erased = erased_table("notify_erased", metadata)

about = Table(
    "notify_about",
    metadata,
    Column("name", String, primary_key=True),  # schema; began: when; receivers: of the process that sends
    Column("value", String, nullable=False),
)
