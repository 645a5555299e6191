"""The stores, a DynamoDB table or one process's memory. The contract: ``sessions.operations``."""
