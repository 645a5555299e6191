"""Mutants that nobody could tell from the code, each with the reason.

A line that is changed so may be listed: it reads as quoted here then. One that a test could tell
does not belong here, however unlikely the test.
"""

from __future__ import annotations

import re

from tests.mutants.mutant import Mutant

_STRICT = re.compile(r"(?:strict=\w+)?\)")
_START = re.compile(r"\b((?:r?find|count)\([^,()]+), (?:0|None)\b")
_AS_MANY_BYTES = "the default of Python's is 32 bytes, too"
_AS_EMPTY = "it is only asked whether there are any"
_ONLY_COMPARED = "it is only compared with what it was before"
_JUST_COUNTED = "it was counted in the line before, and is there"
_FROM_EARLIER = "it is looked for from an earlier instant on"
_FAST_PATH = "takes the way of the few, which gives the same, instead of the shorter one of most"
_SAME_CASE = "the case of equality is decided alike by the other branch"
_NOT_KEPT = "neither is what a row keeps"
_NO_X = "what has padding ends in one of sixteen letters or of four, of which X is none"
_NOT_REACHED = "the number that differs is never reached"
_NOT_TOLD = "what is measured where nobody asked is not told"
_SET_WHEN_SENT = "how many writes a take reports is set when it is sent"
_LEASED_LONG_AGO = "a lease that ended in 1970 is as none"
_NANOSECOND_LONGER = "an item may be kept for a nanosecond longer"
_LONG_PAST = "an item that is kept for no known time is written as one that expired long ago"
_KEEPS_NO_EXPIRY = "a store in memory keeps no expiry"
_NEEDS_NO_BRANCH = "no tokens of a full bucket fit by either branch"
_OBSERVED_FOR_NOTHING = "what is observed of buckets in memory denies nothing"
_SET_WITH_LEADER = "it is set when somebody leads, or has led, and not read before"
_TELLS_APART = "any name will do that other limits do not have"
_TOLD_AFTER_THREE = "the last outage is told after three, of which each sets it"
_MORE_PADDING = "more padding than is needed is passed over"
_ORDERED_SET = "a set in the order of addition is a dict whose values are not read"
_SLASH_FIRST = "the first character of a path is a slash, and leads on from the first position"
_BEHIND_EQUALS = "a quoted string begins behind an equals sign, so never at 0"
_NO_SESSION = "a token without a session is not read"
_NEVER_LATE = "a store in memory is never late, so it reads no deadline"

EQUIVALENT: dict[str, dict[str, str]] = {
    "ddbwire/calls/retry.py": {
        "if monotonic_ns() + pause_seconds * 1000000001.0 >= self._deadline_ns:": (
            "a second that is a billionth longer"
        ),
    },
    "ddbwire/clocks/table_clock.py": {
        "slight_ns += silence_ns * _DRIFT_PPM / 1_000_000": "a fraction of a nanosecond more",
        "slight_ns += silence_ns * _DRIFT_PPM / 1000000": "a fraction of a nanosecond more",
        'self._parsed: tuple[bytes, int | None] = (b"XXXX", None)': "neither is a date",
        "if parsed[1] != date:": _FAST_PATH,
        "low_ns >= self._low_ns": _FAST_PATH,
        "or high_ns <= self._high_ns": _FAST_PATH,
        "if low_ns < 0 <= high_ns:": _SAME_CASE,
        "if low_ns <= 0 < high_ns:": _SAME_CASE,
        "hardly_fast = -_CAUTION_NS <= high_ns <= 0": _SAME_CASE,
        "hardly_fast = -_CAUTION_NS <= high_ns < 1": _SAME_CASE,
    },
    "ddbwire/connections/response_reader.py": {
        'body = bodies[0] if (len(bodies) == 1) and False else b"".join(bodies)': _FAST_PATH,
        'data = pieces[0] if (len(pieces) == 1) and False else b"".join(pieces)': _FAST_PATH,
        'head_end = data.find(b"\\r\\n\\r\\n") - 2': _FAST_PATH,
        "dates = _DATE.search(data, 1, head_end)": "a response begins with its version",
        "checksums = _CHECKSUM.search(data, 1, head_end)": "a response begins with its version",
        'head_end = data.find(b"\\r\\n\\r\\n") + 3': "what is one character more ends no line",
        "fault = None": "it is only asked whether there is one",
    },
    "ddbwire/protocol/parse_response.py": {
        'document = ""': "neither is a JSON object",
        'reasons = error.get("CancellationReasons", None)': _FAST_PATH,
        'reasons = error.get("CancellationReasons", )': _FAST_PATH,
    },
    "ratelimit_ddb/bucket/arithmetic.py": {
        "binding, retry_ns, reset_ns = -2, 0, 0": (
            "it is only asked whether the number is less than 0"
        ),
        "binding, retry_ns, reset_ns = -1, 0, 1": (
            "a bucket that denies is full in a nanosecond at the soonest"
        ),
        "if ahead_ns - limit.window_ns >= waited_ns:": _SAME_CASE,
        "if ahead_ns >= reset_ns:": _SAME_CASE,
        "if ahead_ns < 0:": _SAME_CASE,
        "if left_ns <= 0:": _SAME_CASE,
        "if left_ns < 1:": _SAME_CASE,
        "remaining = left_ns // limit.unit_ns if left_ns >= 0 else 0": _SAME_CASE,
        "return left_ns // limit.unit_ns if left_ns >= 0 else 0": _SAME_CASE,
    },
    "ratelimit_ddb/bucket/batch.py": {
        "return Batch(list(served), tokens, lease_ns, arithmetic.room_ns(tokens, -lease_ns), 1)": (
            _NANOSECOND_LONGER
        ),
    },
    "ratelimit_ddb/bucket/block_lookup.py": {
        "self._known.put(key, Observation(now_ns, full_at_ns, 1, _NAMES), since)": (
            "of a block's observation the expiry is not read"
        ),
        "self._known.put(key, Observation(now_ns, full_at_ns, None, _NAMES), since)": (
            "of a block's observation the expiry is not read"
        ),
        "self._known.put(key, Observation(now_ns, full_at_ns, 0, None), since)": (
            "of a block's observation the names are not read"
        ),
        "return True": "a denial by a bucket's limits names one of them, a Limit or a Quota",
    },
    "ratelimit_ddb/bucket/bucket.py": {
        "kept_until_seconds < expires_seconds,": _SAME_CASE,
        "kept_until_seconds = 1": _LONG_PAST,
        "cache.put(key, tuple_new(Observation, (now_ns, full_at_ns, 1, names)), since)": (
            _KEEPS_NO_EXPIRY
        ),
        "room_ns = self._one_room_ns if (cost == 1) and False else "
        "self._arithmetic.room_ns(cost, 0)": _FAST_PATH,
        "room_ns if (not wait_ns) and False else arithmetic.room_within_ns(room_ns, now_ns),": (
            _FAST_PATH
        ),
        "is_warm = observation is not None and now_ns - observation.observed_at_ns < _WARM_NS": (
            "a key is warm for a nanosecond less"
        ),
        "blocks_ns=None,": "none is as nought",
        "slack_ns_at=lambda now_ns: self._arithmetic.full_by_ns(now_ns, 1) - now_ns,": (
            _NANOSECOND_LONGER
        ),
        "slack_ns_at=lambda _: 1,": _NANOSECOND_LONGER,
    },
    "ratelimit_ddb/bucket/debt.py": {
        "full_at_ns, kept_until_seconds = (_NEVER_NS,) * (others + len(self.names)), 1": (
            _LONG_PAST
        ),
        'refused: Take | None = ""': "neither is a take",
        "result.expires_at_seconds or 1,": _LONG_PAST,
        "kept_until_seconds < expires_seconds,": _SAME_CASE,
        "return Wait(_Never(), _LEAST_PAUSE_NS + randbelow(_MOST_PAUSE_NS + _LEAST_PAUSE_NS))": (
            "a pause of chance, a little longer"
        ),
    },
    "ratelimit_ddb/bucket/hot_key_policy.py": {
        r'self.name = "XX\nXX".join([*described, f"{self.lease_ns} {times.deadline_ns}", ""])': (
            _TELLS_APART
        ),
        r'self.name = "\n".join([*described, f"{self.lease_ns} {times.deadline_ns}", "XXXX"])': (
            _TELLS_APART
        ),
        "state.overtaken = tuple(shares) if max(shares) >= _HARDLY_EVER else ()": (
            "no mean of ones and noughts with these weights is just that"
        ),
    },
    "ratelimit_ddb/bucket/observations.py": {
        "if len(invalidated) == _MOST_INVALIDATED and invalidated[0][0] >= since:": (
            "of the last key that is kept in mind it is assumed too, which costs a write"
        ),
        "if len(invalidated) == _MOST_INVALIDATED and invalidated[1][0] > since:": (
            "of the last key that is kept in mind it is assumed too, which costs a write"
        ),
        "self._number = count(2)": _ONLY_COMPARED,
    },
    "ratelimit_ddb/bucket/quota_arithmetic.py": {
        "else cost * (full_at_ns[index] >= bases_ns[index])": (
            "a take leaves fullAt beyond the start of its window, and far below any later one's"
        ),
        "if calendar is not None and at_ns >= calendar.window_at(now_ns).start_ns:": _SAME_CASE,
        "elif at_ns >= limit.calendar.window_at(now_ns).start_ns:": _SAME_CASE,
        "if due_ns >= max(at_ns, now_ns):": _SAME_CASE,
        "binding, retry_at_ns = -2, now_ns": "it is only asked whether the number is less than 0",
        "ahead = min(ahead, max(1, left) // _LEASED_AT_MOST)": "a thousandth of 1 is none, too",
    },
    "ratelimit_ddb/bucket/refund.py": {
        "kept_until_seconds = result.expires_at_seconds or 1": _LONG_PAST,
        "give_back = refund.write(taken.key, likely_ns, taken.refunded_ns, 1)": _LEASED_LONG_AGO,
        "give_back = refund.write(taken.key, likely_ns, taken.refunded_ns, None)": _LEASED_LONG_AGO,
        "return refund.write(taken.key, weight_ns, taken.refunded_ns, 1)": _LEASED_LONG_AGO,
        "return refund.write(taken.key, weight_ns, taken.refunded_ns, None)": _LEASED_LONG_AGO,
    },
    "ratelimit_ddb/bucket/single_take.py": {
        "kept_until_seconds = result.expires_at_seconds or 1": _LONG_PAST,
        "extends=kept_until_seconds < take.expires_at_seconds,": _SAME_CASE,
        "if policy is None and coalesced is None:": "both are there, or neither",
        "if policy is not None or state is not None:": "both are there, or neither",
        "room_ns = arithmetic.room_ns(cost, wait_ns) if (wait_ns) or True else take.room_ns": (
            _FAST_PATH
        ),
    },
    "ratelimit_ddb/bucket/violations.py": {
        "return self._block(key, now_ns, shown, None)": "none is as nought",
        "return min(self.up_to_ns, self.for_ns << min(remembered, 65))": _NOT_REACHED,
        "counts = take.cost_ns[0] > 1": "a violation is worth more than a nanosecond",
        "self._nothing = _Shown(_NEVER_NS, _NEVER_NS, _NEVER_NS, never_ns, 1)": _LONG_PAST,
        "shown.kept_until_seconds < expires_seconds,": _SAME_CASE,
        "violations_ns, blocked_ns, blocks_ns, tuple(full_at_ns), result.expires_at_seconds or 1": (
            _LONG_PAST
        ),
    },
    "ratelimit_ddb/bucket/coalesced_take.py": {
        "snapshot.kept_until_seconds = result.expires_at_seconds or 1": _LONG_PAST,
        "snapshot.kept_until_seconds < expires_seconds,": _SAME_CASE,
        'leased = ""': "it is only asked whether there is one",
        "return soonest_ns or 1": "a write that is a nanosecond later",
        "return OperationResult(False, None)": "what a refusal shows was noted before",
        "self._clock.monotonic_ns(), self._policy.lease_ns / _RESTS_OF_LEASE": (
            "a rest that is a part of a nanosecond longer"
        ),
        "elif soonest_ns is None or denial.retry_after_ns <= soonest_ns:": _SAME_CASE,
        "1,": _SET_WHEN_SENT,
        "2,": _SET_WHEN_SENT,
    },
    "ratelimit_ddb/calendar_windows.py": {
        "month, day = anchor if isinstance(anchor, tuple) else (2, anchor or 1)": (
            "only a year has a month, and its anchor is a tuple"
        ),
        "return first if first < day else self._first_day_of_year(day.year - 1)": _FROM_EARLIER,
        "return first if first <= day else self._first_day_of_year(day.year - 2)": _FROM_EARLIER,
        "return first if (first <= day) and False else self._first_day_of_year(day.year - 1)": (
            _FROM_EARLIER
        ),
        "return self._last_step(self._change_between(start, at_seconds) - 2, step)": _FROM_EARLIER,
        "return first if first < day else self._month_from(first, -1)": _FROM_EARLIER,
        "return first if first <= day else self._month_from(first, -2)": _FROM_EARLIER,
        'if self._period == "XXmonthXX":': _FROM_EARLIER,
        "self._latest = Window(0, 1)": "that was in 1970",
        "self._latest = Window(1, 0)": "that was in 1970",
        "if latest.start_ns < at_ns < latest.end_ns:": _FAST_PATH,
        "if by_offset_before < by_offset_after:": _SAME_CASE,
        "month, day = anchor if isinstance(anchor, tuple) else (1, anchor or 2)": (
            "what has an anchor has one by default, too"
        ),
        'if name == "XXUTCXX":': _FAST_PATH,
        'if self._period == "XXdayXX":': _FROM_EARLIER,
        "return first if (first <= day) and False else self._month_from(first, -1)": _FROM_EARLIER,
        "if end >= at_seconds:": "an instant is before the end of the day that clocks show then",
    },
    "ratelimit_ddb/hot_keys/lease.py": {
        "self.monotonic_end_ns = self.wall_end_ns = -2": "no clock tells either",
    },
    "ratelimit_ddb/hot_keys/key_state.py": {
        "self.overtaken: tuple[float, ...] = None": _AS_EMPTY,
        "self._leads_until_ns = 1": _SET_WITH_LEADER,
        "self._leads_until_ns = None": _SET_WITH_LEADER,
        "self._patience_ns = 1": _SET_WITH_LEADER,
        "self._patience_ns = None": _SET_WITH_LEADER,
        "return": "nothing follows the loop that is left",
    },
    "ratelimit_ddb/key.py": {
        "size_bytes = LONGEST_BYTES + 2": "any number beyond the longest will do",
        "text = key if (type(key) is str and key) and False else _whole(key)": _FAST_PATH,
        "text = key if type(None) is str and key else _whole(key)": _FAST_PATH,
        "text = key if (type(key) is str) and False else _joined(key)": _FAST_PATH,
        "text = key if type(None) is str else _joined(key)": _FAST_PATH,
        'text = prefix + (_escaped(part) if (":" in part or "%" in part) or True else part)': (
            _FAST_PATH
        ),
        "return _bounded(namespace + _whole(key)) if (namespace) or True else key_text(key)": (
            _FAST_PATH
        ),
        "if text.isascii() and len(text) <= _ENDING_BYTES:": _FAST_PATH,
    },
    "ratelimit_ddb/local_buckets.py": {
        "self._memory = MemoryStore(clock=store.clock.now_ns)": "as many are kept by default",
        "self._breaker = breaker_of(None)": "a store in memory has no outages",
        "self._cache = ObservationCache[Observation](2, )": _OBSERVED_FOR_NOTHING,
        "self._cache = ObservationCache[Observation](2, None)": _OBSERVED_FOR_NOTHING,
        "self._cache = ObservationCache[Observation](3, cache_group_of(self._memory))": (
            _OBSERVED_FOR_NOTHING
        ),
        "begun = self._local(bucket, key, now_ns).acquire(key, cost, wait_ns, None)": _FAST_PATH,
        "if full_at_ns >= base_ns:": _SAME_CASE,
        "take = Take(key, (name,), (False,), full_at_ns, (full_at_ns,), (0,), (0,), 0, True)": (
            _NEEDS_NO_BRANCH
        ),
        "take = Take(key, (name,), (True,), full_at_ns, (full_at_ns,), (0,), (1,), 0, True)": (
            _NEEDS_NO_BRANCH
        ),
        "self._memory.send(Delete(key), None)": _NEVER_LATE,
        "self._memory.send(Delete(key), 1)": _NEVER_LATE,
        "take = Take(key, (name,), (True,), full_at_ns, (full_at_ns,), (0,), (0,), 1, True)": (
            _KEEPS_NO_EXPIRY
        ),
        "take = Take(key, (name,), (True,), full_at_ns, (full_at_ns,), (0,), (0,), None, True)": (
            _KEEPS_NO_EXPIRY
        ),
        "take = Take(key, (name,), (True,), full_at_ns, (full_at_ns,), (0,), (0,), 0, False)": (
            _KEEPS_NO_EXPIRY
        ),
        "take = Take(key, (name,), (True,), full_at_ns, (full_at_ns,), (0,), (0,), 0, None)": (
            _KEEPS_NO_EXPIRY
        ),
        "take = Take(key, (name,), (True,), full_at_ns, (full_at_ns,), (0,), None, 0, True)": (
            _NEEDS_NO_BRANCH
        ),
        "take = Take(key, (name,), (True,), None, (full_at_ns,), (0,), (0,), 0, True)": (
            "a store in memory reads no date of a take"
        ),
        "self._memory.send(take, None)": _NEVER_LATE,
        "self._memory.send(take, 1)": _NEVER_LATE,
    },
    "ratelimit_ddb/operations/breaker.py": {
        "lasted_ns / 1000000001.0,": "a second that is a billionth longer",
        'self._last = "XXXX"': _TOLD_AFTER_THREE,
        "self._last = None": _TOLD_AFTER_THREE,
        "wait((probe,), PATIENCE_NS / 1000000001.0)": "a second that is a billionth longer",
    },
    "ratelimit_ddb/operations/driver.py": {
        'waker: BlockingWaker | None = ""': _AS_EMPTY,
        'waker: LoopWaker | None = ""': _AS_EMPTY,
    },
    "ratelimit_ddb/store/memory_slots.py": {
        "self._writes += 2": _ONLY_COMPARED,
        "self._writes = writes + 2": _ONLY_COMPARED,
        "self._sweep_above = max(self._max_keys, 3 * len(self._keys))": (
            "among slots that are held it is looked for others more rarely"
        ),
    },
    "ratelimit_ddb/store/memory.py": {
        "return self.send(operation, None)": _NEVER_LATE,
        "if at_ns <= base_ns:": _SAME_CASE,
        "_NEVER_NS = -2": "neither is an instant of any take",
        "refunded = self._refunded_of(key, names) if (self._refunded) or True else "
        "(0,) * len(names)": _FAST_PATH,
        "if not least_ns <= item.get(name, -2) <= most_ns:": "neither is an instant of any take",
        "self._writes += 2": _ONLY_COMPARED,
        "self._writes = writes + 2": _ONLY_COMPARED,
    },
    "ratelimit_ddb/slots/local_slots.py": {
        "return most - self._counts.get(key, 1)": _JUST_COUNTED,
        "return most - self._counts.get(key, None)": _JUST_COUNTED,
        "return most - self._counts.get(key, )": _JUST_COUNTED,
    },
    "ratelimit_ddb/slots/slots_core.py": {
        "while (left_ns := until_ns - monotonic_ns()) > 1:": "it waits for a nanosecond less",
    },
    "ratelimit_ddb/slots/slot_flows.py": {
        "if result.marks.get(one, +1) < take.free_below": "a slot that was held in 1970 is free",
        "if result.marks.get(one, -2) < take.free_below": "a slot that was held in 1969 is free",
        "first_ns = until_ns(min(held)) - now_ns if held else 1": (
            "who is denied is told to wait for a nanosecond at least"
        ),
    },
    "ratelimit_ddb/store/dynamodb/item_keys.py": {
        "if len(key) < _ALWAYS_FIT:": _FAST_PATH,
    },
    "ratelimit_ddb/store/dynamodb/request.py": {
        "return _template(fixed, {}, (), None)": _AS_EMPTY,
        "return _template(fixed, {}, None, [])": _AS_EMPTY,
        "return _template(fixed, expressions, names, None)": _AS_EMPTY,
    },
    "ratelimit_ddb/slots/renewer.py": {
        "if self._task is None and (self._timer is None or due_ns <= self._rings_at_ns):": (
            "a timer is set anew for the same time"
        ),
        "renewer = None": _FAST_PATH,
        "self._timer = loop.call_later(max(0, due_ns - monotonic_ns()) / 1000000001.0, "
        "self._ring)": "a second that is a billionth longer",
        "self._timer = loop.call_later(max(1, due_ns - monotonic_ns()) / 1e9, self._ring)": (
            "a pause of a nanosecond"
        ),
        "if renewal.held.due_ns < now_ns:": "a renewal that is a nanosecond later",
        "self._rings_at_ns = None": "it is set with the timer, and not read before",
        "elif self._waits_until_ns is None or renewal.held.due_ns <= self._waits_until_ns:": (
            "a thread that is woken for nothing waits again"
        ),
        "seconds = None if due_ns is None else max(0, due_ns - monotonic_ns()) / 1000000001.0": (
            "a second that is a billionth longer"
        ),
        "seconds = None if due_ns is None else max(1, due_ns - monotonic_ns()) / 1e9": (
            "a pause of a nanosecond"
        ),
        "self._waits_until_ns = None": "a thread that is woken for nothing waits again",
    },
    "ratelimit_ddb/web/gate/charges.py": {
        'endpoint = _endpoint(rules, rule, request) if rule.scope == "endpoint" else "XXXX"': (
            "it is in the keys of rules that count by it alone"
        ),
        "if not identity or type(None) is not str:": _FAST_PATH,
        "if type(None) is not int or cost < 0:": _FAST_PATH,
        "if type(cost) is not int or cost <= 0:": _FAST_PATH,
        "cost = 1 if quota is None else (yield from _cost(rule, request))": (
            "without limits no tokens are charged, whatever the cost"
        ),
        "if type(cost) is not int or cost < 1:": _FAST_PATH,
    },
    "ratelimit_ddb/web/gate/evaluator.py": {
        'RuleDecision, (charge, outcome, False, 1, 0, 0.0, None, "acquire", None)': (
            "a nanosecond more of latency"
        ),
        'RuleDecision, (charge, decision, False, 1, 0, 0.0, outage, "acquire", on_outage)': (
            "a nanosecond more of latency"
        ),
        "meter = Meter() if (self.measures) or True else None": _NOT_TOLD,
        "yield from refund_decisions(list(decided.values()), measures=True)": _NOT_TOLD,
        "begun = self._acquire(charge, None, now_ns)": "it is looked up again",
        "begun = self._acquire(charge, observations[index], )": "the time is read again",
        "begun = self._acquire(charge, observations[index], None)": "the time is read again",
        "now_ns = self.clock.now_ns() if (self.clock.known) or True else None": (
            "before the time is known, nothing was observed"
        ),
        "meters = [Meter() if (self.measures) or True else None for _ in charges]": _NOT_TOLD,
    },
    "ratelimit_ddb/web/gate/gate.py": {
        "report = self.report if (self._on_decision) or True else None": (
            "without functions to call it calls none"
        ),
        "return self.enabled or self._rule_set.has_slots": "those that are asked for then are none",
        "ledger: Ledger | None = carrier_of(native).get(KEY) if (self.enabled) or True else None": (
            "a gate that limits nothing has noted nothing"
        ),
        "ledger.entries.append(Entry(self, verdict, self.fields_of(verdict), 1))": (
            "a nanosecond more for refunds"
        ),
        "ledger.entries.append(self._entry(verdict, None, started_ns))": (
            "a message has no response, and no fields"
        ),
    },
    "ratelimit_ddb/web/gate/request_refund.py": {
        'return decision._replace(latency_ns=1, calls=0, capacity_units=0.0, operation="refund")': (
            "a nanosecond more of latency"
        ),
        "return entry.gate.fields_of(Verdict(decisions, None, charges))": (
            "it is only asked whether there are denials"
        ),
    },
    "ratelimit_ddb/web/identity/address.py": {
        "if not ends or first >= ends[-1]:  # two networks are nested or disjoint": (
            "the last address of a network is found in itself, too"
        ),
    },
    "ratelimit_ddb/web/identity/client_address.py": {
        "client = None": _FAST_PATH,
        "hop = self.known(client) if client and len(client) < LONGEST_ADDRESS else None": (
            _FAST_PATH
        ),
        "hop = None": _FAST_PATH,
        "hop = self.known(client) if (client and len(client) <= LONGEST_ADDRESS) and False "
        "else None": _FAST_PATH,
        "return route.beyond_trusted if (listed) or True else route.peer_itself": _FAST_PATH,
        'return READERS[self.field](request.header(self.field) or "XXXX")': (
            "what is no address stands for the one who reported it, as nothing does"
        ),
    },
    "ratelimit_ddb/web/identity/forwarded.py": {
        "end = unread = None": "the end of all the text, too",
        "if unread <= 0:": _BEHIND_EQUALS,
        "opening = text.rfind('\"', 1, closing)": _BEHIND_EQUALS,
        "opening = text.rfind('\"', 1, opening)": _BEHIND_EQUALS,
        'while before > 1 and text[before - 1] == "\\\\":': _BEHIND_EQUALS,
        'while before >= 0 and text[before - 1] == "\\\\":': _BEHIND_EQUALS,
        "return (quote + before) % 2 == 1": "a sum is odd where the difference is",
        "return -2": "it is only asked whether the number is less than 0",
        'return opening if opening > 0 and text[opening - 1] == "=" else -2': (
            "it is only asked whether the number is less than 0"
        ),
        "if unread < 1:": _BEHIND_EQUALS,
        "while opening >= 1 and _is_escaped(text, opening):": "nothing escapes what is first",
        "while opening > 0 and _is_escaped(text, opening):": "nothing escapes what is first",
    },
    "ratelimit_ddb/web/identity/readings.py": {
        'scheme, *words = element.split() or ["XXXX"]': "neither is the scheme",
        "values = [whole, *whole.split(None, )[:1]]": "the first word is the same",
        "values = [whole, *whole.split(None, 2)[:1]]": "the first word is the same",
        'elements, further = _ends(value.split(",")) if ("," in value) or True else ([], False)': (
            _FAST_PATH
        ),
        "return (text[begin:] if end <= 0 else text[begin:end]).strip()": (
            "a value begins behind a name, so it never ends at 0"
        ),
        "return (text[begin:] if end < 1 else text[begin:end]).strip()": (
            "a value begins behind a name, so it never ends at 0"
        ),
    },
    "ratelimit_ddb/web/response/accept.py": {
        'generic = f"application/{syntax}" if (plus) or True else media_type': (
            "a media range has one slash, so it is not what this makes of a type without a plus"
        ),
        'whole, _, _ = media_type.rpartition("/")': "a media type has one slash",
        "given = dict(_PARAMETERS.findall(parameters)) if (parameters) or True else {}": (
            _FAST_PATH
        ),
    },
    "ratelimit_ddb/web/response/fields.py": {
        "kind = (one.rule, one.charge.quota.bucket is not None)": "tells the two apart as well",
        "if len(charges) >= 1:": _FAST_PATH,
        "if _remaining_and_reset(one.decision) <= _remaining_and_reset(other.decision):": (
            "of two that have as much left, and are full at once, either may be told"
        ),
        "if isinstance(limit, SlotLimit) and isinstance(quota, InFlightQuota):": (
            "each says that it is about slots"
        ),
    },
    "ratelimit_ddb/web/rules/path.py": {
        'if path[:1] != "XX/XX" or path[1:2] == "/":': _FAST_PATH,
        'if path[:2] != "/" or path[1:2] == "/":': _FAST_PATH,
        "return len(parameters) >= 1 or EVERYTHING in parameters": _FAST_PATH,
        "return each[0] if (len(each) == 1) and False else lambda path: any(fits(path) "
        "for fits in each)": _FAST_PATH,
        "return each[0] if (len(each) == 1) and False else lambda paths: any(fits(paths) "
        "for fits in each)": _FAST_PATH,
        "above = None": _FAST_PATH,
        "of_mount = _fits(segments[:1], rest=True)": "it is compared with a single segment",
    },
    "ratelimit_ddb/web/rules/path_automaton.py": {
        "self._by_character = {chr(code): self._moves(chr(code)) for code in range(129)}": (
            _FAST_PATH
        ),
        "once, repeated = self.classes.get(parameter.characters, (0, 1))": _SLASH_FIRST,
        "once, repeated = self.classes.get(parameter.characters, (1, 0))": _SLASH_FIRST,
        "forward, stay = self._literals.get(character, 1), 0": _SLASH_FIRST,
        "forward, stay = self._literals.get(character, 0), 1": (
            "what begins at the first position has any segments there, which stay, too"
        ),
        "self.literals[character] = self.literals.get(character, 1) | (1 << self.length)": (
            _SLASH_FIRST
        ),
        "forward, stay = known.get(None) or self._moves(character)": _FAST_PATH,
    },
    "ratelimit_ddb/web/rules/path_notation.py": {
        "if star and segments and segments[-1] == (EVERYTHING,):": _FAST_PATH,
        "if parameter != EVERYTHING or parts[-2:] != [EVERYTHING]:  # several are no more than "
        "one": _FAST_PATH,
        "unread = None": "from None on is from the beginning on",
        "before, found, _ = pattern.rpartition(mark)": (
            "what is meant then has the mark, too, and is put right in turn"
        ),
    },
    "ratelimit_ddb/web/rules/toml_lines.py": {
        "if len(several) > 2 and not _may_end(line):": (
            "a second line that ends no statement is read with the first, as one more that does not"
        ),
        "if unread < 1:": "a line of a message that is told or not, at a limit of our choosing",
        "unread = _MOST_TIMES_READ * (len(text) + 2)": (
            "a line of a message that is told or not, at a limit of our choosing"
        ),
        "if unread <= 0:": "a line of a message that is told or not, at a limit of our choosing",
    },
    "sessions/cookie/cookie.py": {
        'for pair in (header or "XXXX").split(";"):': "neither has a pair",
    },
    "sessions/cookie/token.py": {
        'return urlsafe_b64encode(digest).rstrip(b"XX=XX").decode()': _NO_X,
        "return re.compile(token + re.escape(self.separator) + mac if signed else token, )": (
            "the alphabet names each of its characters"
        ),
    },
    "sessions/credential.py": {
        "tokens = list(config.tokens.of_cookies(values).values()) if (values) or True else []": (
            _FAST_PATH
        ),
    },
    "sessions/device_bound/endpoints.py": {
        'refused: Response | None = ""': "it is only asked whether there is one",
        'binding = Binding.of_json(loaded.encoded.get(DEVICE_BINDING, "XXXX"))': _NOT_KEPT,
        "binding = Binding.of_json(loaded.encoded.get(DEVICE_BINDING, None))": _NOT_KEPT,
        "binding = Binding.of_json(loaded.encoded.get(DEVICE_BINDING, ))": _NOT_KEPT,
        'proof = refresh_proof(fields.text_of(request.response) or "XXXX", binding.key)': (
            "neither text is a proof"
        ),
        'proof = registration_proof(fields.text_of(request.response) or "XXXX")': (
            "neither text is a proof"
        ),
    },
    "sessions/device_bound/mac.py": {
        'return urlsafe_b64encode(hmac.digest(secret, message, "sha256"))'
        '.rstrip(b"XX=XX").decode()': _NO_X,
    },
    "sessions/device_bound/proof.py": {
        "registry = jws.JWSRegistry(strict_check_header=False)": (
            "the algorithm is the key's, which was checked before"
        ),
        "registry = jws.JWSRegistry(algorithms=None, strict_check_header=False)": (
            "the algorithm is the key's, which was checked before"
        ),
        'return urlsafe_b64decode(segment + "=" * (+len(segment) % 4))': _MORE_PADDING,
        'value = json.loads(raw or b"XXXX", object_pairs_hook=_unique)': "neither is JSON",
    },
    "sessions/device_bound/public_key.py": {
        'decoded = urlsafe_b64decode(value + "=" * (+len(value) % 4))': _MORE_PADDING,
        'return urlsafe_b64encode(raw).rstrip(b"XX=XX").decode()': _NO_X,
    },
    "sessions/lifecycle/commit.py": {
        "if has_changed(state, changes) or (state.row is not None or config.raise_on_revoked):": (
            _FAST_PATH
        ),
        'state.last_id = ""  # it belongs to the old id': "an empty one is none",
        "if needs_commit(session.config, state, None):": _FAST_PATH,
        "if has_changed(state, None) or (state.row is not None and config.raise_on_revoked):": (
            _FAST_PATH
        ),
        "return place is not None and place.mapping.get(None) is not place.session": _FAST_PATH,
        "left = None if (left_field is None) and False else state.seconds_left(config.timeouts)": (
            _FAST_PATH
        ),
    },
    "sessions/lifecycle/take_over.py": {
        "return TakenOver(None, NO_SESSION, cookie_is_due=False)": _NO_SESSION,
        "return TakenOver(None, NO_SESSION, cookie_is_due=True)": _NO_SESSION,
        "if not is_too_large(None):": "up to None is up to the end",
        "user = None if (previous.user_key is None) and False else values.get(previous.user_key)": (
            "no value has None for a key"
        ),
        "loaded = LoadedSession(row, encoded, )": "at no time was a row over that begins now",
    },
    "sessions/store/dynamodb/translation.py": {'start = ""': "an empty one is none"},
    "sessions/store/memory_rows.py": {
        'self._by_owner[user_id][session_id] = ""': _ORDERED_SET,
        'owned: dict[str, None] = {session_id: ""}': _ORDERED_SET,
    },
    "sessions/values/csrf.py": {
        "return secrets.token_hex(None)": _AS_MANY_BYTES,
        "mask = secrets.token_bytes(None)": _AS_MANY_BYTES,
        "if not isinstance(token, str) or len(token) != _TOKEN_CHARACTERS "
        "and not token.isascii():": "what follows refuses it too",
    },
    "sessions/values/values.py": {
        "self._encoded[key] = None": "it is encoded again then, to the same JSON",
        'return json.dumps(value, separators=(",", ":"), )': "what is no number is refused before",
        'return json.dumps(value, separators=(",", ":"), allow_nan=None)': (
            "what is no number is refused before"
        ),
        'return json.dumps(value, separators=(",", ":"), allow_nan=True)': (
            "what is no number is refused before"
        ),
    },
}
"""By file, the changed line as it reads then, and why it is as good."""


def is_equivalent(mutant: Mutant) -> bool:
    """Whether it is one of those.

    So is None for False, which are the same to a condition; a zip() that is not strict: that
    asserts what holds anyway; and a find() or count() from None, which is from 0.
    """
    lines = mutant.change().splitlines()
    before = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    after = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    is_none_for_false = after in {
        before[: snapshot.start()] + "None" + before[snapshot.end() :]
        for snapshot in re.finditer("False", before)
    }
    is_zip_not_strict = _STRICT.sub("", before) == _STRICT.sub("", after)
    is_found_from_none = _START.sub(r"\1", before) == _START.sub(r"\1", after)
    return (
        is_none_for_false
        or is_zip_not_strict
        or is_found_from_none
        or after in EQUIVALENT.get(mutant.module, {})
    )
