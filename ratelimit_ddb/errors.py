"""What a store raises: it can't be reached now, or it will never work as it is set up.

The classes are those of ``sessions`` too; the tables and the wire are the same.
"""

from ddbwire.errors import (
    AccessDenied,
    KeyThrottled,
    StoreError,
    StoreUnavailable,
    TableNotFound,
)

__all__ = ["AccessDenied", "KeyThrottled", "StoreError", "StoreUnavailable", "TableNotFound"]
