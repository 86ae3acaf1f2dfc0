"""The tables: facts and outcomes as they came, what follows from them, and how far the topics are read.

Times are microseconds since 1970 in UTC (`Instant`), spans microseconds (`Span`): exact on every database.
`facts` and `outcomes` are the truth; `escalations` and `outcomes.stands` follow from them. `erasures`,
`erased` and `pruned` say what must not come back when the topics are read again. docs/archive.md tells every
column; a change here needs a migration in `engine/archive/migrations`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    func,
    literal_column,
    or_,
)

from engine.core.outcomes import CREDIT
from engine.sql.erasures import erased_table, erasures_table
from engine.sql.offsets import offsets_table

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
)

facts = Table(
    "facts",
    metadata,
    Column("subject", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("recorded", BigInteger, nullable=False),
    Column("sequence", String, nullable=False),
    Column("data", Text, nullable=False),  # JSON; times in it are Instants
    Index(None, "subject", "at"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("subject", String, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("corrects", String, nullable=False),
    Column("stands", Boolean, nullable=False),
    Column("said_name", String, nullable=False),  # of an amendment: the name of what it corrects
    Column("metric", String, nullable=False),
    Column("key", String, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("severity", String, nullable=False),
    Column("customer", String, nullable=False),
    Column("tier", String, nullable=False),
    Column("service", String, nullable=False),
    Column("team", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("fingerprint", String, nullable=False, server_default=""),
    Column("policy", String, nullable=False),
    Column("started", BigInteger),
    Column("due", BigInteger),
    Column("effective", BigInteger, nullable=False),
    Column("detected", BigInteger, nullable=False),
    Column("elapsed", BigInteger, nullable=False),
    Column("elapsed_calendar", BigInteger, nullable=False),
    Column("target", BigInteger),
    Column("record", Text, nullable=False),  # the JSON of the topic, whole
    Index(None, "effective", "metric", "name"),
    Index(None, "customer", "effective"),
)

escalations = Table(
    "escalations",
    metadata,
    Column("subject", String, primary_key=True),
    Column("status", String, nullable=False),  # waiting, open, resolved, closed, cancelled, merged
    Column("title", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("gravest", String, nullable=False),
    Column("customer", String, nullable=False),
    Column("customer_name", String, nullable=False),
    Column("tier", String, nullable=False),
    Column("service", String, nullable=False),
    Column("component", String, nullable=False),
    Column("region", String, nullable=False),
    Column("team", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("affected_customers", BigInteger),
    Column("revenue_at_risk", Float),
    Column("revenue_currency", String, nullable=False),
    Column("opened", BigInteger),
    Column("acknowledged", BigInteger),
    Column("answered", BigInteger),  # the first public answer
    Column("resolved", BigInteger),  # the last resolution, null while open again
    Column("first_resolved", BigInteger),
    Column("reopened", Integer, nullable=False),  # how often
    Column("closed", BigInteger),
    Column("last", BigInteger, nullable=False),  # its latest fact
    Index(None, "opened"),
    Index(None, "customer", "opened"),
    Index(None, "fingerprint"),
)

offsets = offsets_table("offsets", metadata)
erasures = erasures_table("erasures", metadata)
erased = erased_table("erased", metadata)

pruned = Table(
    "pruned",
    metadata,
    Column("subject", String, primary_key=True),
    Column("through", BigInteger, nullable=False),  # what was recorded or detected until then stays away
)


def _few(column: ColumnElement[str], *values: str) -> ColumnElement[bool]:
    return column.in_([literal_column(f"'{value}'") for value in values])


# What pages ask of few rows. Each has an index of these alone, which costs the others nothing. The values are
# written out in the queries as well: SQLite takes such an index only for the same words.
LINKS = _few(facts.c.kind, "linked", "merged")
PROMISES = _few(facts.c.kind, "commitment_made")
ACTIONS = _few(facts.c.kind, "action_opened")
OF_CONSOLE = _few(facts.c.source, "urn:vigil:console")
REVIEWS = _few(outcomes.c.metric, "pir", "rca_final", "rca_summary")
CREDITS = or_(_few(outcomes.c.name, CREDIT), _few(outcomes.c.said_name, CREDIT))
SEVERAL_LIVES = func.count() > func.count(outcomes.c.seq.distinct())
"""Of a subject's outcomes, as a group: `engine.core.standing.is_of_several_lives`."""


def _index(name: str, of: ColumnElement[bool], *columns: Column[str] | Column[int]) -> None:
    Index(name, *columns, sqlite_where=of, postgresql_where=of)


_index("ix_facts_links", LINKS, facts.c.subject)
_index("ix_facts_promises", PROMISES, facts.c.subject)
_index("ix_facts_actions", ACTIONS, facts.c.subject)
_index("ix_facts_of_console", OF_CONSOLE, facts.c.recorded, facts.c.subject, facts.c.id)
_index("ix_outcomes_reviews", REVIEWS, outcomes.c.subject)
_index("ix_outcomes_credits", CREDITS, outcomes.c.subject)
