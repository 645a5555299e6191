"""DynamoDB's JSON protocol: requests, what comes of them, and failed attempts."""
