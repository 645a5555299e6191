"""Where sessions are kept: a DynamoDB table, or one process's memory."""
