"""The endpoint, the region and the credentials, as botocore resolves them."""
