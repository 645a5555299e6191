"""What the trigger calls: each record is one new notification, as DynamoDB writes it."""


def handler(event, context):  # noqa: ARG001 - Lambda calls it with both
    """Push each notification to its user, and answer which of them have to be sent again.

    A record that fails holds up those after it in its shard, which keeps their order: Lambda sends
    the batch again from there.
    """
    for record in event["Records"]:
        try:
            push(record["dynamodb"]["NewImage"])
        except OSError:
            failed = {"itemIdentifier": record["dynamodb"]["SequenceNumber"]}
            return {"batchItemFailures": [failed]}
    return {"batchItemFailures": []}


def push(notification):
    """Stands for what reaches the user's devices; it raises OSError where it does not."""
    print(f"{notification['userId']['S']}: {notification['notificationId']['S']}")
