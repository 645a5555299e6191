"""The figures of a case, computed from what callers saw and what the table applied."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field, fields

from bench.hot_keys.case import Aims, Case
from ratelimit_ddb.limit import SECOND_NS, Limit

MILLISECOND_NS = 1_000_000


@dataclass(slots=True)
class Observed:
    """What was seen from outside, in the order of the answers.

    Attributes:
        began_ns: when the load began.
        called_ns, answered_ns: of each decision.
        admitted: 1 for each decision that was admitted, 0 for a denial.
        process: which process was asked.
        taken: for each process, the tokens that its writes took: (instant of the reply, until when
            they may be spent, how many). Empty where it was not seen.
        writes, throttled: when the partition served a request, and when it did not.
    """

    began_ns: int
    called_ns: array[int] = field(default_factory=lambda: array("q"))
    answered_ns: array[int] = field(default_factory=lambda: array("q"))
    admitted: bytearray = field(default_factory=bytearray)
    process: array[int] = field(default_factory=lambda: array("i"))
    taken: list[deque[tuple[int, int, int]]] = field(default_factory=list)
    writes: array[int] = field(default_factory=lambda: array("q"))
    throttled: array[int] = field(default_factory=lambda: array("q"))


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a case, in the order in which they are shown.

    Attributes:
        admitted_over_due: admitted, over what the bucket holds and gains until the last answer, or
            over all requests where they are fewer.
        steady: admitted in the second half, over what one bucket without any delay admits then.
        excess: tokens above P1 in the worst interval; above 0 is too many.
        writes: that the partition took, a second, refused conditions included.
        throttled: requests that it throttled, a second.
        settled: writes and throttled requests in the second half, a second.
        units: write units for each request that was admitted.
        p50_ms, p99_ms: from the call to the decision, of all requests.
        denied: the share of requests that were denied, above what the bucket without delay denies.
        least_served: admitted by the process that got least, over the mean.
        lapsed: the share of tokens that were taken and never spent; not a number where what was
            taken was not seen.
    """

    admitted_over_due: float
    steady: float
    excess: float
    writes: float
    throttled: float
    settled: float
    units: float
    p50_ms: float
    p99_ms: float
    denied: float
    least_served: float
    lapsed: float


NAMES = tuple(field.name for field in fields(Figures))


def figures_of(case: Case, observed: Observed) -> Figures:
    """All the figures of a case."""
    limit, seconds = case.limit, case.seconds
    lasted_ns = max(int(seconds * SECOND_NS), max(observed.answered_ns) - observed.began_ns)
    due = limit.burst + lasted_ns / limit.unit_ns
    half_ns = observed.began_ns + int(seconds / 2 * SECOND_NS)
    admitted = [i for i, was in enumerate(observed.admitted) if was]
    called_ns, answered_ns = observed.called_ns, observed.answered_ns
    asked = len(called_ns)
    ideal = admitted_without_delay(sorted(called_ns), limit)
    waits_ns = sorted(after - before for before, after in zip(called_ns, answered_ns, strict=True))
    by_process = [0] * case.processes
    for index in admitted:
        by_process[observed.process[index]] += 1
    late = sum(answered_ns[index] > half_ns for index in admitted)
    ideal_late = sum(instant_ns > half_ns for instant_ns in ideal)
    taken = sum(tokens for lots in observed.taken for _, _, tokens in lots)
    return Figures(
        admitted_over_due=len(admitted) / min(due, asked),
        steady=late / max(1, ideal_late),
        excess=excess([(called_ns[i], answered_ns[i]) for i in admitted], limit),
        writes=len(observed.writes) / seconds,
        throttled=len(observed.throttled) / seconds,
        settled=sum(
            instant_ns > half_ns
            for instants_ns in (observed.writes, observed.throttled)
            for instant_ns in instants_ns
        )
        / (seconds / 2),
        units=len(observed.writes) / max(1, len(admitted)),
        p50_ms=_quantile(waits_ns, 0.50) / MILLISECOND_NS,
        p99_ms=_quantile(waits_ns, 0.99) / MILLISECOND_NS,
        denied=max(0, len(ideal) - len(admitted)) / asked,
        least_served=min(by_process) * case.processes / max(1, len(admitted)),
        lapsed=_lapsed(observed, admitted) / taken if taken else math.nan,
    )


def missed(figures: Figures, aims: Aims) -> list[str]:
    """The aims that were not reached, a text each."""
    texts = []
    for name, (least, most) in aims.items():
        figure = getattr(figures, name)
        if least is not None and figure < least:
            texts.append(f"{name} {figure:.4g} < {least:g}")
        if most is not None and figure > most:
            texts.append(f"{name} {figure:.4g} > {most:g}")
    return texts


_FAR_NS = 1 << 80


def excess(spans_ns: list[tuple[int, int]], limit: Limit) -> float:
    """How many tokens too many were admitted in the worst interval; at most 0 if P1 was kept.

    A decision takes effect at some instant between its call and its answer. So what was both called
    and answered within an interval [a, b] was admitted in it, wherever in its span that was, and
    P1 says that it is at most burst + (b - a) / unit. The intervals grow by their ends; for each
    beginning a tree keeps how many are within.
    """
    spans = sorted(spans_ns, key=lambda span: span[1])
    begins = sorted({called_ns for called_ns, _ in spans})
    size = 1 << max(1, (len(begins) - 1).bit_length())
    # Each node: the most of (admitted * unit + a) in it, less what the nodes above add to it.
    most = [-_FAR_NS] * (2 * size)
    added = [0] * (2 * size)
    worst_ns = -(1 << 62)
    for called_ns, answered_ns in spans:
        # One more within each interval that begins at this call or before.
        node = size + bisect_left(begins, called_ns)
        if most[node] < 0:
            most[node] += _FAR_NS + called_ns
        most[node] += limit.unit_ns
        while node > 1:
            if node & 1:
                most[node - 1] += limit.unit_ns
                added[node - 1] += limit.unit_ns
            node >>= 1
            most[node] = max(most[2 * node], most[2 * node + 1]) + added[node]
        worst_ns = max(worst_ns, most[1] - answered_ns - limit.window_ns)
    return worst_ns / limit.unit_ns if spans else 0.0


def admitted_without_delay(called_ns: list[int], limit: Limit) -> list[int]:
    """The calls that one bucket admits that is asked without any delay."""
    full_at_ns, admitted = called_ns[0], []
    for now_ns in called_ns:
        after_ns = max(full_at_ns, now_ns) + limit.unit_ns
        if after_ns - now_ns <= limit.window_ns:
            full_at_ns = after_ns
            admitted.append(now_ns)
    return admitted


def _lapsed(observed: Observed, admitted: list[int]) -> int:
    """The tokens that lapsed: each process spends those first that lapse first."""
    ended_ns = observed.answered_ns[-1] if observed.answered_ns else observed.began_ns
    lapsed = 0
    lots = [[list(lot) for lot in of_process] for of_process in observed.taken]
    at = [0] * len(lots)
    for index in admitted:
        process, instant_ns = observed.process[index], observed.answered_ns[index]
        of_process = lots[process]
        while at[process] < len(of_process) and (
            of_process[at[process]][1] < instant_ns or not of_process[at[process]][2]
        ):
            lapsed += of_process[at[process]][2]
            at[process] += 1
        if at[process] < len(of_process):
            of_process[at[process]][2] -= 1
    for process, of_process in enumerate(lots):
        lapsed += sum(
            left for _, until_ns, left in of_process[at[process] :] if until_ns < ended_ns
        )
    return lapsed


def _quantile(ordered: list[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
