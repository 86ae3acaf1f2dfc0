"""Who was erased from a database, and which escalations are erased whatever is read of them later."""

from sqlalchemy import BigInteger, Column, MetaData, String, Table


def erasures_table(name: str, metadata: MetaData) -> Table:
    """Customers and their pseudonyms."""
    return Table(
        name,
        metadata,
        Column("customer", String, primary_key=True),  # a hash of the id, see `engine.core.erasure`
        Column("pseudonym", String, nullable=False),
        Column("at", BigInteger, nullable=False),
    )


def erased_table(name: str, metadata: MetaData) -> Table:
    """Escalations, each by the customers that it was of."""
    return Table(
        name,
        metadata,
        Column("subject", String, primary_key=True),  # whatever is read of it is erased
        Column("customer", String, primary_key=True),  # of the erasures
    )
