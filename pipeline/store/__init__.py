"""The database: who reads, what was sent, what we read. The one place that speaks SQL.

`engine` opens it, `tables` draws it, `migrations` makes it, and then one module a noun, one function a question. Each
function takes a connection first and leaves the transaction to its caller:

    with store.writing() as connection:
        subscribers.find(connection, "a@example.org")
"""

from pipeline.store.engine import Connection, Store, open_store

__all__ = ["Connection", "Store", "open_store"]
