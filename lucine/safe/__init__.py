"""Keys, seals, the ledger and the database. It never knows what the data mean."""

from . import tokens
from .broom import sweep
from .db import Database, Reader, Row, StorageUnavailable, Transaction, among, connect
from .keys import Keys
from .ledger import verify_ledger, write_ledger
from .migrate import migrate

__all__ = [
    "Database",
    "Keys",
    "Reader",
    "Row",
    "StorageUnavailable",
    "Transaction",
    "among",
    "connect",
    "migrate",
    "sweep",
    "tokens",
    "verify_ledger",
    "write_ledger",
]
