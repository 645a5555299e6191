"""Where buckets are kept: a DynamoDB table, or this process's memory."""
