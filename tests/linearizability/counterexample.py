"""A history that no order explains: made short, and told.

What is left out must not be what makes it wrong. So only this is done to it, after each of which a
history that some order explained would still be explained:

- It ends earlier. What had not returned by then may have happened or not.
- What only reads is left out.
- Nobody looks at what a call answered: it may have happened or not.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.linearizability.call import Call, Told
from tests.linearizability.checker import Interval, Order
from tests.linearizability.history import Entry, entries_of, order_of_entries, specification_of
from tests.linearizability.program import MILLISECOND_NS, SECOND_NS, Program, Setup

_READ = frozenset({"peek", "look"})
_TAKE = frozenset({"acquire", "take"})


def counterexample(program: Program, calls: Sequence[Call]) -> str:
    """What to read of a history that is not linearizable."""
    entries = shortest(program.setup, entries_of(program.setup, calls))
    first_ns = min(entry.call.call_ns for entry in entries)
    unit = "s" if program.setup.slots else "ms"
    lines = [
        f"{program.setup.name}, seed {program.seed}: no order explains what these calls answered,",
        f"under {_of_setup(program.setup)}. When they were made is in ms, all else in {unit}.",
        "",
        "  call  process  from      to        clock     what             answer",
    ]
    lines += [_line(program.setup, entry, first_ns) for entry in entries]
    order = order_of_entries(program.setup, entries)
    names = ", ".join(_name(entries[index].call) for index in order.indexes)
    lines += ["", f"The longest order that holds: {names or 'none at all'}."]
    lines += [f"Then {one}" for one in _unexplained(program.setup, entries, order)]
    return "\n".join(lines)


def shortest(setup: Setup, entries: Sequence[Entry]) -> list[Entry]:
    """A short part of a history that is not linearizable, which is not either."""
    left = _earliest(setup, entries)
    for shorter in (_without, _unanswered):
        for index in reversed(range(len(left))):
            tried = shorter(left, index)
            if tried is not None and not order_of_entries(setup, tried).explains:
                left = tried
    return left


def _earliest(setup: Setup, entries: Sequence[Entry]) -> list[Entry]:
    """What had begun when the first call returned that makes it wrong."""
    for end_ns in sorted(entry.interval.return_ns or 0 for entry in entries):
        part = list(entries)
        for index in reversed(range(len(part))):
            call_ns, return_ns, _ = part[index].interval
            if call_ns > end_ns:
                part = _less(part, index)
            elif return_ns is not None and return_ns > end_ns:
                part = _unknown(part, index)
        if not order_of_entries(setup, part).explains:
            return part
    return list(entries)


def _without(entries: list[Entry], index: int) -> list[Entry] | None:
    """All others, if it only reads."""
    call = entries[index].call
    reads = (
        call.step.name in _READ
        or call.answer is False
        or (isinstance(call.answer, Told) and not call.answer.allowed and call.step.name in _TAKE)
    )
    return _less(entries, index) if reads else None


def _unanswered(entries: list[Entry], index: int) -> list[Entry] | None:
    """The same, whatever it answered; None where others hang on its answer."""
    call = entries[index].call
    # What others name was answered, and a holder knows by its heartbeats that it is one.
    is_named = any(
        one.call.client == call.client and one.call.step.of == call.number for one in entries
    )
    if call.answer is None or is_named or call.step.name == "heartbeat":
        return None
    return _unknown(entries, index)


def _less(entries: list[Entry], index: int) -> list[Entry]:
    """All but one."""
    left = []
    for entry in entries[:index] + entries[index + 1 :]:
        after = [one - (one > index) for one in entry.interval.after if one != index]
        left.append(entry._replace(interval=entry.interval._replace(after=tuple(after))))
    return left


def _unknown(entries: list[Entry], index: int) -> list[Entry]:
    """The same, but that one may have happened or not, so that nothing surely comes after it."""
    left = []
    for number, entry in enumerate(entries):
        interval = entry.interval
        if number == index:
            unknown = Interval(interval.call_ns, None)
            left.append(Entry(entry.call._replace(answer=None), unknown))
        else:
            after = tuple([one for one in interval.after if one != index])
            left.append(entry._replace(interval=interval._replace(after=after)))
    return left


def _unexplained(setup: Setup, entries: Sequence[Entry], order: Order[object]) -> list[str]:
    """What the specification would answer those that come next."""
    specification = specification_of(setup, [entry.call for entry in entries])
    told = []
    for index, entry in enumerate(entries):
        if index in order.indexes or entry.call.answer is None:
            continue
        expected = specification.told(order.state, entry.call)  # type: ignore[arg-type]
        told.append(f"{_name(entry.call)} would be answered {_answer(setup, expected)}.")
    return told


def _of_setup(setup: Setup) -> str:
    if setup.slots:
        return f"{setup.slots} slots"
    return ", ".join(str(limit) for limit in setup.limits)


def _name(call: Call) -> str:
    client = "ABCDEFGH"[call.client]
    return f"{client}{call.number + 1}"


def _line(setup: Setup, entry: Entry, first_ns: int) -> str:
    call, end_ns = entry.call, entry.interval.return_ns
    begins = (entry.interval.call_ns - first_ns) / MILLISECOND_NS
    ends = "?" if end_ns is None else f"{(end_ns - first_ns) / MILLISECOND_NS:.2f}"
    unit_ns = SECOND_NS if setup.slots else MILLISECOND_NS
    nows = [now_ns / unit_ns for now_ns in call.nows_ns]
    clock = f"{nows[0]:g}" if len(nows) == 1 else f"{nows[0]:g} to {nows[-1]:g}"
    if call.answer is None:
        answer = "whatever it was, or none"
    else:
        answer = _answer(setup, call.answer) + (", from memory" if call.from_memory else "")
    called = _called(call)
    return (
        f"  {_name(call):<4}  {call.process:<7}  {begins:<8.2f}  {ends:<8}  {clock:<8}  "
        f"{called:<15}  {answer}"
    )


def _called(call: Call) -> str:
    step = call.step
    of = _name(call._replace(number=step.of))
    match step.name:
        case "acquire":
            wait = f", wait {step.wait_ns / MILLISECOND_NS:g}" if step.wait_ns else ""
            return f"acquire({step.cost}{wait})"
        case "block":
            return f"block({step.wait_ns / MILLISECOND_NS:g})"
        case "refund":
            return f"refund({step.cost} of {of})"
        case "release" | "heartbeat":
            return f"{step.name}({of})"
        case "reset" | "look" | "take":
            return f"{step.name}()"
    return f"{step.name}({step.cost})"


def _answer(setup: Setup, answer: Told | bool) -> str:
    if not isinstance(answer, Told):
        return "yes" if answer else "no"
    unit_ns = SECOND_NS if setup.slots else MILLISECOND_NS
    said = [f"{answer.remaining} left", f"full in {answer.reset_after_ns / unit_ns:g}"]
    if answer.retry_after_ns:
        said.append(f"retry in {answer.retry_after_ns / unit_ns:g}")
    if answer.waited_ns:
        said.append(f"waited {answer.waited_ns / unit_ns:g}")
    return f"{'admitted' if answer.allowed else 'denied'}: {', '.join(said)}"
