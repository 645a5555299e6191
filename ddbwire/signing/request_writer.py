"""The bytes of signed requests. All but signature, length and body is prepared once a second."""

from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.signing.sigv4 import RequestSigner, SigningKey, amz_date

_CONTENT_TYPE = "application/x-amz-json-1.0"
_TARGET_PREFIX = "DynamoDB_20120810."
_UNSIGNED_LINES = "user-agent: ddbwire\r\naccept-encoding: identity\r\n"


class RequestWriter:
    """Writes the signed requests of one second."""

    __slots__ = ("_amz_date", "_host", "_signed_heads", "key", "second")

    def __init__(self, host: str, key: SigningKey, second: int) -> None:
        """``second`` is the table's time, in seconds since the epoch; ``key`` is for its day."""
        self.key = key
        self.second = second
        self._host = host
        self._amz_date = amz_date(second)
        self._signed_heads: dict[str, tuple[str, RequestSigner]] = {}

    def write(self, request: DynamoDBRequest) -> bytes:
        """The signed bytes of a request."""
        body = request.body
        head, signer = self._signed_heads.get(request.name) or self._signed_head(request.name)
        signature = signer.signature(body)
        return f"{head}{signature}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body

    def _signed_head(self, name: str) -> tuple[str, RequestSigner]:
        """The head for an operation up to the signature, and its signer."""
        headers = {
            "content-type": _CONTENT_TYPE,
            "host": self._host,
            "x-amz-date": self._amz_date,
            "x-amz-target": _TARGET_PREFIX + name,
        }
        if self.key.scope.keys.token:
            headers["x-amz-security-token"] = self.key.scope.keys.token
        signer = RequestSigner(self.key, headers, self._amz_date)
        lines = "".join(f"{field}: {value}\r\n" for field, value in headers.items())
        head = f"POST / HTTP/1.1\r\n{lines}{_UNSIGNED_LINES}authorization: {signer.authorization}"
        self._signed_heads[name] = head, signer
        return head, signer


def date_request(host: str) -> bytes:
    """An unsigned request, which any endpoint answers with a Date."""
    return f"GET / HTTP/1.1\r\nhost: {host}\r\n{_UNSIGNED_LINES}\r\n".encode()
