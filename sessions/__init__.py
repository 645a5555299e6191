"""TTL-backed sessions on DynamoDB. Nothing is public here yet: the limiter comes first."""
