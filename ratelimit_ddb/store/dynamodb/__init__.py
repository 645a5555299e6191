"""Buckets in a DynamoDB table."""
