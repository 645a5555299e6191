"""DynamoDB's JSON protocol: requests, results, and failed attempts."""
