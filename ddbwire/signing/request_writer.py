"""The bytes of signed requests: all but signature, length and body is prepared once a second."""

from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.signing.sigv4 import RequestSigner, SigningKey, amz_date

_CONTENT_TYPE = "application/x-amz-json-1.0"
_TARGET_PREFIX = "DynamoDB_20120810."
_UNSIGNED_LINES = "user-agent: ddbwire\r\naccept-encoding: identity\r\n"


class RequestTemplate:
    """The requests for one operation in one second."""

    __slots__ = ("_head", "_signer")

    def __init__(self, signer: RequestSigner, headers: dict[str, str]) -> None:
        self._signer = signer
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._head = (
            f"POST / HTTP/1.1\r\n{lines}{_UNSIGNED_LINES}authorization: {signer.authorization}"
        )

    def fill(self, body: bytes) -> bytes:
        """The signed request with this body."""
        return (
            f"{self._head}{self._signer.signature(body)}\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body


class RequestWriter:
    """Writes the signed requests of one second."""

    __slots__ = ("_amz_date", "_host", "_templates", "key", "second")

    def __init__(self, host: str, key: SigningKey, second: int) -> None:
        """``second`` is the table's time, in seconds since the epoch; ``key`` is for its day."""
        self.key = key
        self.second = second
        self._host = host
        self._amz_date = amz_date(second)
        self._templates: dict[str, RequestTemplate] = {}

    def write(self, request: DynamoDBRequest) -> bytes:
        """The signed bytes of a request."""
        template = self._templates.get(request.name)
        if template is None:
            template = self._templates[request.name] = self._template(request.name)
        return template.fill(request.body)

    def _template(self, name: str) -> RequestTemplate:
        headers = {
            "content-type": _CONTENT_TYPE,
            "host": self._host,
            "x-amz-date": self._amz_date,
            "x-amz-target": _TARGET_PREFIX + name,
        }
        if self.key.scope.keys.token:
            headers["x-amz-security-token"] = self.key.scope.keys.token
        return RequestTemplate(RequestSigner(self.key, headers, self._amz_date), headers)


def date_request(host: str) -> bytes:
    """An unsigned request, to which any endpoint sends a response with a Date."""
    return f"GET / HTTP/1.1\r\nhost: {host}\r\n{_UNSIGNED_LINES}\r\n".encode()
