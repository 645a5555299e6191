"""What ``ratelimit_ddb`` and ``sessions`` share beside the wire, which itself imports none of it.

The packages do not import each other, so what both need is here. Most of it is about their stores;
the rest, such as the check of an application, is not about DynamoDB at all.
"""
