"""What the trigger calls: each record is one new notification, as DynamoDB writes it."""


def handler(event, context):  # noqa: ARG001 - Lambda calls it with both
    """Push each notification to its user. An exception has the batch sent again."""
    for record in event["Records"]:
        notification = record["dynamodb"]["NewImage"]
        print(f"{notification['userId']['S']}: {notification['notificationId']['S']}")
