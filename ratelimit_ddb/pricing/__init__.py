"""What loads of DynamoDB tables cost."""
