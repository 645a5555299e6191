"""A process that kills itself at its k-th step on the wire, for k = 1, 2, ... until it is through.

A step is just before a request is sent, just after it was sent and before its reply, and just
after a part of the reply was read and before anybody has looked at it. Each run of a play has a key
of its own, so what the table holds at the end tells what that one run did.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import monotonic_ns
from typing import Any, NamedTuple, NoReturn

from ratelimit_ddb import ConcurrencyLimiter, DynamoDBStore, Limit, RateLimiter, acquire_all
from sessions import DynamoDBSessionStore
from tests.engine.faults.browsers import Browser, Site, site_store
from tests.engine.faults.journal import Journal, Line, lines_of

LIMIT = Limit(20, 86_400)
"""Nothing of it flows back while a test runs."""
OTHER = Limit(4, 86_400, name="other")
HOT = Limit(100_000, 5_000)
"""Twenty a second, leased, and so full that all takes simply add up."""
SLOTS, LIFETIME_SECONDS = 2, 1.0
DEADLINE_SECONDS = 5.0
_AT_ONCE = 3
EACH = range(1, 1_000)
_BEFORE, _SENT, _READ = "before-sending", "after-sending", "after-reading"


class Run(NamedTuple):
    """One run.

    Attributes:
        key: the key that it used.
        step: at which it was killed; "" if it got through.
        lines: what it had noted.
    """

    key: str
    step: str
    lines: list[Line]


def limits(store: DynamoDBStore, key: str, journal: Journal) -> None:
    """Everything that takes tokens of a limit or gives them back."""
    limiter = RateLimiter(store, LIMIT, deadline=DEADLINE_SECONDS, on_outage="raise")
    other = RateLimiter(store, OTHER, deadline=DEADLINE_SECONDS, on_outage="raise")
    first = _noted(journal, key, 3, lambda: limiter.acquire(key, cost=3))
    assert _noted(journal, key, 0, lambda: limiter.acquire(key, cost=20)).allowed is False
    _noted(journal, key, 2, lambda: limiter.acquire(key, cost=2))
    assert _noted(journal, key, -2, lambda: limiter.refund(first, cost=2))
    reservation = _noted(journal, key, 5, lambda: limiter.reserve(key, 5))
    _noted(journal, key, -3, lambda: reservation.settle(2))
    _noted(journal, key, 4, lambda: limiter.charge(key, 4))
    # Both may be taken of, for a while; afterwards neither is, for the second one denies.
    together = [(limiter, key, 4), (other, f"{key}.other", 1)]
    assert _noted(journal, key, 4, lambda: acquire_all(together))
    assert not _noted(journal, key, 0, lambda: acquire_all([(limiter, key, 1), (limiter, key, 9)]))


def leases(store: DynamoDBStore, key: str, journal: Journal) -> None:
    """As many tokens of a hot key as may be, one by one."""
    limiter = RateLimiter(store, HOT, deadline=DEADLINE_SECONDS, on_outage="raise")
    until = time.monotonic() + 0.7
    while time.monotonic() < until:
        _noted(journal, key, 1, lambda: limiter.acquire(key))


def slots(store: DynamoDBStore, key: str, journal: Journal) -> None:
    """Two slots that are held for longer than a third of their lifetime, and a third one that is
    not there."""
    limiter = ConcurrencyLimiter(
        store, SLOTS, lifetime=LIFETIME_SECONDS, deadline=DEADLINE_SECONDS, on_outage="raise"
    )
    taken = [limiter.acquire(key) for _ in range(SLOTS + 1)]
    time.sleep(LIFETIME_SECONDS / 2)
    for slot in taken:
        slot.release()
    journal.note("released", 0, monotonic_ns(), key)


def sessions(store: DynamoDBSessionStore, key: str, journal: Journal) -> None:
    """A session from its beginning to its end."""
    browser = Browser(Site(store), journal, key, user=journal.process)
    for act in ("save", "save", "rotate", "save", "login", "save", "look", "logout", "save"):
        browser.do(act)


PLAYS: dict[str, tuple[Callable[..., Any], Callable[[Any, str, Journal], None]]] = {
    "limits": (DynamoDBStore, limits),
    "leases": (DynamoDBStore, leases),
    "slots": (DynamoDBStore, slots),
    "sessions": (partial(site_store, deadline=DEADLINE_SECONDS), sessions),
}
"""The store that each needs, and what is done."""


def killed_at_every_step(
    play: str, url: str, table: str, folder: Path, steps: range = EACH
) -> list[Run]:
    """Run a play until it gets through, or the steps are tried; each time it is killed later.

    Args:
        play: one of PLAYS.
        url, table: where the table is.
        folder: for journals.
        steps: at which it is killed.

    Raises:
        RuntimeError: a run failed otherwise.
    """
    numbers = [str(steps.start), str(steps.stop), str(steps.step)]
    arguments = [play, url, table, str(folder), *numbers]
    done = subprocess.run(
        [sys.executable, "-m", __name__, *arguments],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    runs = []
    for line in done.stdout.splitlines():
        step, status = map(int, line.split())
        lines = list(lines_of(folder / f"{play}{step}"))
        if status == -signal.SIGKILL:
            runs.append(Run(_key(play, step), lines[-1].what, lines[:-1]))
        elif status == 0:
            runs.append(Run(_key(play, step), "", lines))
    if done.returncode or len(runs) != len(done.stdout.splitlines()) or not runs:
        raise RuntimeError(f"{play}: {done.stdout}{done.stderr[-4_000:]}")
    return runs


def main() -> None:
    """Fork for each run, from a process that has imported and prepared all, and has no threads."""
    play, url, table, folder, *numbers = sys.argv[1:]
    make_store, act = PLAYS[play]
    store = make_store(table, endpoint_url=url)
    store.prepare()
    left = list(reversed(range(*map(int, numbers))))
    running: dict[int, int] = {}
    while running or left:
        while len(running) < _AT_ONCE and left:
            step = left.pop()
            process = os.fork()
            if not process:
                _run(lambda key, journal: act(store, key, journal), play, Path(folder), step)
            running[process] = step
        process, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        if code != -signal.SIGKILL:
            left = []
        print(running.pop(process), code, flush=True)


def _run(act: Callable[[str, Journal], None], play: str, folder: Path, step: int) -> NoReturn:
    key = _key(play, step)
    journal = Journal(folder / f"{play}{step}", step)
    left = iter(range(step - 1, -1, -1))

    def reach(what: str) -> None:
        # One operation of an iterator: two threads never reach the same step.
        if next(left, None) == 0:
            journal.note(what, 0, monotonic_ns(), key)
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()

    _watch(reach)
    code = 1
    try:
        act(key, journal)
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def _key(play: str, step: int) -> str:
    return f"{play}{step}"


def _watch(reach: Callable[[str], None]) -> None:
    """Have it told before and after each send, and after each receive."""
    socket_class: Any = socket.socket
    send, receive = socket_class.send, socket_class.recv

    def watched_send(self: socket.socket, *arguments: Any) -> Any:
        reach(_BEFORE)
        sent = send(self, *arguments)
        reach(_SENT)
        return sent

    def watched_receive(self: socket.socket, *arguments: Any) -> Any:
        data = receive(self, *arguments)
        if data:
            reach(_READ)
        return data

    socket_class.send, socket_class.recv = watched_send, watched_receive


def _noted(journal: Journal, key: str, tokens: int, do: Callable[[], Any]) -> Any:
    """Note what is about to be done, and that it was."""
    began_ns = monotonic_ns()
    journal.note("may", began_ns, began_ns, key, tokens)
    result = do()
    journal.note("did", began_ns, monotonic_ns(), key, tokens)
    return result


if __name__ == "__main__":
    main()
