"""The lineup: which contenders are measured, how each is called and what it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bench.worker.request_mix import CASES


@dataclass(frozen=True, slots=True)
class LineupEntry:
    """A contender in the lineup.

    Attributes:
        name: what the report calls it.
        module: of bench.contenders.
        style: how it is called: see the module.
        packages: what its environment has; none means this project's own environment.
        cases: what it is measured at.
        is_recorded: the canned server plays back what an engine answered it, for it asks otherwise
            than by the UpdateItem that the server knows.
        is_peer: whether ours is compared with it; what only shows the least that anything costs is
            not.
        note: what a reader of its figures must know.
    """

    name: str
    module: str
    style: str = ""
    packages: tuple[str, ...] = ()
    cases: tuple[str, ...] = CASES
    is_recorded: bool = False
    is_peer: bool = True
    options: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether it is this project."""
        return self.name.startswith("ratelimit-ddb")

    def start_arguments(self, endpoint_url: str, table: str, **options: Any) -> dict[str, Any]:
        """The arguments of its worker's ``start`` command."""
        return {
            "module": f"bench.contenders.{self.module}",
            "target": {
                "endpoint_url": endpoint_url,
                "table": f"{table}-{self.module}" if self.is_recorded else table,
                "style": self.style,
                "options": {"prefix": f"{self.module}.{self.style}.", **self.options, **options},
            },
        }


_ASKS: dict[str, Any] = {"limiter": {"lease": 0.0}}
_ASKS_NOTE = "asks the table for each decision: it leases nothing"
OURS = LineupEntry("ratelimit-ddb", "ours", "blocking", options=_ASKS, note=_ASKS_NOTE)
OURS_ASYNC = LineupEntry(
    "ratelimit-ddb, asyncio", "ours", "asyncio", options=_ASKS, note=_ASKS_NOTE
)
OURS_LEASED = LineupEntry(
    "ratelimit-ddb, leased", "ours", "blocking", note="as shipped: hot keys are leased"
)
OURS_LEASED_ASYNC = LineupEntry(
    "ratelimit-ddb, asyncio, leased", "ours", "asyncio", note="as shipped: hot keys are leased"
)
OURS_ASKING = LineupEntry(
    "ratelimit-ddb, asyncio, deny_cache=0",
    "ours",
    "asyncio",
    cases=("denied", "mixed"),
    options={"limiter": {"deny_cache": 0.0, "lease": 0.0}},
    note="asks the table at every denial, as the first denial in each process does",
)
BOTO3 = LineupEntry(
    "boto3 update_item",
    "boto3_by_hand",
    "threads",
    note="a bare call; from 32 at once on, in threads",
)
BOTO3_TO_THREAD = LineupEntry(
    "boto3 in asyncio.to_thread", "boto3_by_hand", "asyncio", note="a bare call"
)
AIOBOTOCORE = LineupEntry(
    "aiobotocore update_item",
    "aiobotocore_by_hand",
    "asyncio",
    ("aiobotocore",),
    note="a bare call",
)
ZAE = LineupEntry(
    "zae-limiter, asyncio",
    "zae",
    "asyncio",
    ("zae-limiter",),
    is_recorded=True,
    note="as shipped, on the table that it makes itself, with its caches",
)
MODERN = LineupEntry(
    "rate-limiter-modern-py",
    "modern",
    "threads",
    ("rate-limiter-modern-py", "future"),
    is_recorded=True,
    note="imports `future` without declaring it, so that is installed beside it",
)
BARE_SOCKET = LineupEntry(
    "a bare socket",
    "bare_socket",
    cases=("allowed",),
    is_peer=False,
    note="the least: sends one request that was signed before, and reads no reply; in threads",
)
ON_A_TABLE = (
    OURS, OURS_ASYNC, OURS_ASKING, OURS_LEASED, OURS_LEASED_ASYNC, BOTO3, BOTO3_TO_THREAD,
    AIOBOTOCORE, ZAE, MODERN,
)  # fmt: skip

OURS_IN_MEMORY = LineupEntry("ratelimit-ddb, MemoryStore", "ours_in_memory", "blocking")
OURS_IN_MEMORY_ASYNC = LineupEntry(
    "ratelimit-ddb, MemoryStore, asyncio", "ours_in_memory", "asyncio"
)
LIMITS_FIXED = LineupEntry("limits, fixed window", "limits_in_memory", "fixed-window", ("limits",))
LIMITS_MOVING = LineupEntry(
    "limits, moving window", "limits_in_memory", "moving-window", ("limits",)
)
THROTTLED = LineupEntry(
    "throttled-py, token bucket",
    "throttled_in_memory",
    "token_bucket",
    ("throttled-py",),
    note="its buckets count whole seconds, so one with a small burst withholds most of its rate",
)
THROTTLED_GCRA = LineupEntry("throttled-py, GCRA", "throttled_in_memory", "gcra", ("throttled-py",))
PYRATE = LineupEntry("pyrate-limiter", "pyrate_in_memory", "", ("pyrate-limiter",))
TOKEN_BUCKET = LineupEntry(
    "token-bucket", "token_bucket_in_memory", "", ("token-bucket",), note="takes no lock"
)
NOTHING = LineupEntry(
    "the loop that asks, alone",
    "nothing",
    "blocking",
    cases=("allowed",),
    is_peer=False,
    note="in each figure here",
)
IN_MEMORY = (
    OURS_IN_MEMORY, OURS_IN_MEMORY_ASYNC, LIMITS_FIXED, LIMITS_MOVING, THROTTLED, THROTTLED_GCRA,
    PYRATE, TOKEN_BUCKET, NOTHING,
)  # fmt: skip

ON_CANNED_REPLIES = (*ON_A_TABLE, BARE_SOCKET)
ALL_ENTRIES = (*ON_CANNED_REPLIES, *IN_MEMORY)
