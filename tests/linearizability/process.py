"""Real processes, some clients in each, that carry out programs on one table.

They are started once, and used for all histories: a program is sent to all of them, and each client
begins its part when all the others have ended theirs of the program before.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from ratelimit_ddb import (
    ConcurrencyLimiter,
    Decision,
    DynamoDBStore,
    RateLimiter,
    StoreUnavailable,
)
from tests.linearizability.call import Call, Told
from tests.linearizability.limiter_calls import BucketCalls, SlotCalls
from tests.linearizability.network import MUTANTS, Network
from tests.linearizability.program import (
    LIFETIME_NS,
    PROCESSES,
    SECOND_NS,
    THREADS,
    Program,
    Setup,
)

_BEGINNING_NS = 1_800_000_000 * SECOND_NS
_APART_NS = 3_600 * SECOND_NS
"""How far the clock goes on between two programs."""
_DEADLINE_SECONDS = 30.0


class Task(NamedTuple):
    """A program and where it runs.

    Attributes:
        program: the program.
        key: whose bucket it is about; nobody else's.
        start_ns: what the clocks are at when it begins.
        mutant: which fault the store has; none if it is empty.
    """

    program: Program
    key: str
    start_ns: int
    mutant: str


class ProcessClock:
    """A process's clock, which its clients move on, and what it was while each of them called."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nows_ns = [_BEGINNING_NS]
        self._began: dict[int, int] = {}
        self._first: dict[int, int] = {}

    def __call__(self) -> int:
        return self._nows_ns[-1]

    def begin(self, now_ns: int) -> None:
        """Begin a call, at this instant or a later one."""
        with self._lock:
            if now_ns > self._nows_ns[-1]:
                self._nows_ns.append(now_ns)
            thread = threading.get_ident()
            self._began[thread] = len(self._nows_ns) - 1
            self._first[thread] = min(self._began.values())

    def end(self, start_ns: int) -> tuple[int, ...]:
        """End it. Returns: each instant that may have been its, from the beginning.

        Whoever leads a queue reads the clock for all of it, perhaps before they called.
        """
        with self._lock:
            thread = threading.get_ident()
            del self._began[thread]
            return tuple([now_ns - start_ns for now_ns in self._nows_ns[self._first[thread] :]])


class Limiters:
    """The limiters of a process: one for each kind of history, on one connection pool."""

    def __init__(self, endpoint_url: str, table: str) -> None:
        self.clock = ProcessClock()
        self._table = DynamoDBStore(table, endpoint_url=endpoint_url, clock=self.clock)
        self._table.check()
        self._networks: dict[str, Network] = {}
        self._limiters: dict[tuple[str, str], RateLimiter | ConcurrencyLimiter] = {}
        self._lock = threading.Lock()

    def network(self, mutant: str) -> Network:
        with self._lock:
            if mutant not in self._networks:
                self._networks[mutant] = Network(self._table, MUTANTS[mutant])
            return self._networks[mutant]

    def of(self, setup: Setup, mutant: str) -> RateLimiter | ConcurrencyLimiter:
        network = self.network(mutant)
        with self._lock:
            if (setup.name, mutant) not in self._limiters:
                self._limiters[setup.name, mutant] = _limiter(setup, network)
            return self._limiters[setup.name, mutant]


def _limiter(setup: Setup, network: Network) -> RateLimiter | ConcurrencyLimiter:
    if setup.slots:
        return ConcurrencyLimiter(
            network,
            setup.slots,
            lifetime=LIFETIME_NS / SECOND_NS,
            on_outage="raise",
            deadline=_DEADLINE_SECONDS,
        )
    return RateLimiter(
        network,
        setup.limits,
        on_outage="raise",
        deadline=_DEADLINE_SECONDS,
        deny_cache=setup.deny_cache_ns / SECOND_NS,
        lease=0,
    )


class Client:
    """One client, and what it took in the history that it is in."""

    def __init__(self, limiters: Limiters, client: int) -> None:
        self._limiters = limiters
        self._client = client
        self._slots: SlotCalls | None = None

    def run(self, task: Task) -> list[Call]:
        """Do this client's part of a program."""
        self.release_all()  # all have ended the program before
        limiter = self._limiters.of(task.program.setup, task.mutant)
        if isinstance(limiter, RateLimiter):
            return [*self._calls(task, BucketCalls(limiter, task.key))]
        self._slots = SlotCalls(limiter, task.key)
        return [*self._calls(task, self._slots)]

    def release_all(self) -> None:
        """Release the slots that are still held."""
        if self._slots is not None:
            self._slots.release_all()
            self._slots = None

    def _calls(self, task: Task, calls: BucketCalls | SlotCalls) -> Iterator[Call]:
        clock, network = self._limiters.clock, self._limiters.network(task.mutant)
        for number, step in enumerate(task.program.steps[self._client]):
            step, begin, given_before = calls.begin(number, step)  # noqa: PLW2901
            clock.begin(task.start_ns + step.at_ns)
            answer: Decision | bool | None = None
            call_ns = time.monotonic_ns()
            with network.fault(step.fault), contextlib.suppress(StoreUnavailable):
                answer = begin()
            return_ns = time.monotonic_ns()
            told = Told.of(answer) if isinstance(answer, Decision) else answer
            yield Call(
                self._client,
                self._client // THREADS,
                number,
                step,
                call_ns,
                return_ns,
                clock.end(task.start_ns),
                told,
                isinstance(answer, Decision) and answer.source == "seen",
                given_before,
            )


def _work(process: int, endpoint_url: str, table: str, ready: Any, pipe: Connection) -> None:
    """In a process of its own: carry out batches of programs until there are no more."""
    limiters = Limiters(endpoint_url, table)
    clients = [Client(limiters, process * THREADS + thread) for thread in range(THREADS)]
    # Slots that run out and stores that don't answer are what is tried here.
    logging.getLogger("ratelimit_ddb").addHandler(logging.NullHandler())

    def part(client: Client, tasks: Sequence[Task]) -> list[list[Call]]:
        calls = []
        try:
            for task in tasks:
                ready.wait()
                calls.append(client.run(task))
        except threading.BrokenBarrierError:
            return []
        except BaseException:
            ready.abort()
            raise
        return calls

    with ThreadPoolExecutor(THREADS) as threads:
        while True:
            tasks: list[Task] | None = pipe.recv()
            if tasks is None:
                for client in clients:
                    client.release_all()
                return
            parts = [threads.submit(part, client, tasks) for client in clients]
            failures = [one.exception() for one in parts]
            pipe.send(next((one for one in failures if one), [one.result() for one in parts]))


class Processes:
    """The processes, for as long as they are wanted."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes
        self._programs = 0

    def run(self, programs: Sequence[Program], mutant: str = "") -> list[list[Call]]:
        """Carry out programs, one after the other. Returns: the calls of each, in no order."""
        tasks = []
        for program in programs:
            self._programs += 1
            key = f"{program.setup.name} {program.seed} {self._programs}"
            start_ns = _BEGINNING_NS + self._programs * _APART_NS
            tasks.append(Task(program, key, start_ns, mutant))
        for pipe in self._pipes:
            pipe.send(tasks)
        calls: list[list[Call]] = [[] for _ in programs]
        answers = [pipe.recv() for pipe in self._pipes]
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
            for of_client in answer:
                for index, some in enumerate(of_client):
                    calls[index] += some
        return calls


@contextlib.contextmanager
def processes(endpoint_url: str, table: str) -> Iterator[Processes]:
    """Processes on a table, while the block lasts."""
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(PROCESSES * THREADS)
    pipes, started = [], []
    try:
        for number in range(PROCESSES):
            here, there = spawn.Pipe()
            process = spawn.Process(
                target=_work, args=(number, endpoint_url, table, ready, there), daemon=True
            )
            process.start()
            there.close()
            pipes.append(here)
            started.append(process)
        yield Processes(pipes)
    finally:
        ready.abort()  # where one has ended, the others wait for it
        for pipe in pipes:
            with contextlib.suppress(BrokenPipeError):
                pipe.send(None)
            pipe.close()
        for process in started:
            process.join()
