"""Sessions in a DynamoDB table: each operation as requests, each row as an item."""
