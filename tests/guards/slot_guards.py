"""The guards of concurrency limits: never more than N slots are held."""

from __future__ import annotations

from tests.guards.guard import Guard

_SLOTS = "ratelimit_ddb/slots/slot_flows.py"
_HISTORIES = "tests/property/test_slots.py::test_p16_in_20_000_histories_no_more_than_n_are_held[0]"
_CONTRACT = "tests/contract/test_slots.py::test_"
_IN_FLIGHT = "tests/web/test_in_flight.py::test_"
_STARLETTE = "tests/frameworks/test_starlette_limited.py::test_"
_LIMITER = "tests/ratelimit_ddb/test_concurrency_limiter.py::test_"
_RENEWAL = "tests/ratelimit_ddb/test_slot_renewal.py::test_"
_WITHIN = "tests/ratelimit_ddb/test_calls_within_calls.py::test_"

SLOTS = (
    Guard(
        "P16: of two tasks that enter one async with, one gets the slot",
        "ratelimit_ddb/slots/slot_context.py",
        "        _require_first(self._entry)\n        self._slot = await self._acquire()\n",
        "        self._slot = await self._acquire()\n        _require_first(self._entry)\n",
        _LIMITER + "p16_of_two_tasks_that_enter_one_async_with_one_gets_the_slot",
    ),
    Guard(
        "P16: a slot that was released is not entered again",
        "ratelimit_ddb/slots/slot.py",
        "        if self._release.begun or not self._entry.begin():\n",
        "        if not self._entry.begin():\n",
        _LIMITER + "p16_a_slot_that_was_released_is_not_entered_again",
    ),
    Guard(
        "P16: a slot that is entered is not entered again",
        "ratelimit_ddb/slots/slot.py",
        " or not self._entry.begin():\n",
        ":\n",
        _LIMITER + "p16_a_slot_that_is_entered_is_not_entered_again",
    ),
    Guard(
        "P16: a coroutine does not run after the slot that its function was decorated with",
        "ratelimit_ddb/slots/slot_context.py",
        "if return_kind(function) is ReturnKind.COROUTINE:",
        "if False:",
        _LIMITER + "p16_a_coroutine_function_is_no_function_of_a_blocking_limiter",
    ),
    Guard(
        "P16: a generator does not run after the slot that its function was decorated with",
        "ratelimit_ddb/slots/slot_context.py",
        'runs_later = getattr(returned, "gen", returned)',
        "runs_later = None",
        _LIMITER + "p16_a_generator_that_a_function_returns_is_told_at_the_call",
    ),
    Guard(
        "P16: a holder stops before others begin",
        "ratelimit_ddb/slots/held_slot.py",
        "lasts_ns = self.limit.lifetime_ns - self.limit.lifetime_ns // MARGIN",
        "lasts_ns = self.limit.lifetime_ns",
        _HISTORIES,
    ),
    Guard(
        "P16: a suspended process goes by its wall clock",
        "ratelimit_ddb/slots/held_slot.py",
        "clock.monotonic_ns() < self._monotonic_end_ns and clock.wall_ns() < self._wall_end_ns",
        "clock.monotonic_ns() < self._monotonic_end_ns",
        _HISTORIES,
    ),
    Guard(
        "P16: a mark is its holder's alone",
        "ratelimit_ddb/slots/mark.py",
        "* _RANDOM + randbelow(_RANDOM)",
        "* _RANDOM + randbelow(1)",
        f"{_CONTRACT}two_holders_of_one_slot_never_take_each_others_for_their_own[blocking-memory]",
    ),
    Guard(
        "P16: a refused renewal is a lost slot",
        _SLOTS,
        "        if not result.applied:\n            held.lose()",
        "        if False:\n            held.lose()",
        f"{_CONTRACT}a_holder_is_told_that_its_slot_was_taken_from_it[blocking-memory]",
    ),
    Guard(
        "a take of which nobody knows the end is released",
        _SLOTS,
        "                if not answered:\n                    abandon(held)",
        "                pass",
        f"{_LIMITER}a_lost_reply_of_a_take_does_not_keep_the_slot",
    ),
    Guard(
        "a fork does not release its parent's slot",
        "ratelimit_ddb/slots/slot.py",
        "return not self._release.begun and self._process == os.getpid()",
        "return not self._release.begun",
        f"{_LIMITER}a_fork_does_not_release_its_parents_slot",
    ),
    Guard(
        "P16: in an outage a process counts the slots that it holds in the table",
        "ratelimit_ddb/slots/slots_core.py",
        "            if taken.decision.allowed:\n                self._local.add(key)",
        "            pass",
        f"{_LIMITER}p16_in_an_outage_a_process_holds_no_more_than_the_limit",
    ),
    Guard(
        "those who wait are before those who do not",
        "ratelimit_ddb/slots/slots_core.py",
        "        else:\n            return self._behind_others(key)",
        "        else:\n            return (yield self.take(key, on_lost, renewer))",
        f"{_LIMITER}those_who_wait_in_a_process_are_served_in_the_order_of_their_calls",
    ),
    Guard(
        "P16: whatever ends an ASGI application's call releases the slot",
        "ratelimit_ddb/asgi/request_slots.py",
        "    finally:\n        await _release(held())",
        "    finally:\n        pass",
        f"{_IN_FLIGHT}over_asgi_whatever_ends_the_response_releases_the_slot",
    ),
    Guard(
        "background tasks hold no slot",
        "ratelimit_ddb/asgi/request_slots.py",
        "await app(scope, receive, send_and_release)",
        "await app(scope, receive, send)",
        f"{_IN_FLIGHT}background_tasks_after_the_response_hold_no_slot",
    ),
    Guard(
        "P16: a slot is held until the trailers are sent",
        "ratelimit_ddb/asgi/request_slots.py",
        " or has_trailers):",
        "):",
        f"{_IN_FLIGHT}p16_a_slot_is_held_until_the_trailers_are_sent",
    ),
    Guard(
        "P16: over WSGI the slot is held until the response is closed",
        "ratelimit_ddb/wsgi.py",
        "return _WithEnd(app(environ, start_response), end)",
        "end(raised=False)\n        return app(environ, start_response)",
        f"{_IN_FLIGHT}p16_over_wsgi_a_slot_is_held_until_the_server_closes_the_response",
    ),
    Guard(
        "P3: an outage of slots that is raised is a denial until then",
        "ratelimit_ddb/web/gate/request_slots.py",
        'on_outage="deny" if self._on_outage == "raise" else self._on_outage',
        "on_outage=self._on_outage",
        f"{_IN_FLIGHT}p3_an_outage_of_slots_that_is_raised_gives_back_what_was_taken_elsewhere",
    ),
    Guard(
        "P3: a request that gets no slot keeps no tokens",
        "ratelimit_ddb/web/gate/request_slots.py",
        "refunded = yield from refund_decisions(verdict.decisions, self._measures)",
        "refunded = list(verdict.decisions)",
        f"{_IN_FLIGHT}p3_a_request_that_gets_no_slot_gives_its_tokens_back",
    ),
    Guard(
        "a request holds all its slots or none",
        "ratelimit_ddb/web/gate/request_slots.py",
        "            yield from release\n",
        "            release.close()\n",
        f"{_IN_FLIGHT}of_several_rules_all_hold_a_slot_or_none",
    ),
    Guard(
        "P16: an endpoint's slot is held to the end of its response",
        "ratelimit_ddb/starlette/limited_endpoints.py",
        "if response is None or isinstance(connection, WebSocket):",
        "if response is not None:",
        f"{_STARLETTE}p16_a_slot_is_held_to_the_end_of_a_streamed_response",
    ),
    Guard(
        "P16: a dependency holds a slot only where the end of the response is seen",
        "ratelimit_ddb/fastapi/dependency.py",
        '    ("in_flight", "to hold slots to the ends of responses"),\n',
        "",
        "tests/frameworks/fastapi/test_responses.py::test_an_in_flight_needs_what_sees_responses",
    ),
    Guard(
        "a view's in_flight alone lifts no default rule",
        "ratelimit_ddb/web/gate/view.py",
        'denies = limits is not None and chosen["enforce"]',
        'denies = chosen["enforce"]',
        f"{_STARLETTE}an_in_flight_alone_leaves_the_default_rules_in_force",
    ),
    Guard(
        "a view's in_flight alone gives back nothing that a default rule took",
        "ratelimit_ddb/web/gate/view.py",
        "rule.enforce and not default and limits is not None",
        "rule.enforce and not default",
        f"{_STARLETTE}an_in_flight_alone_leaves_the_default_rules_in_force",
    ),
    Guard(
        "a slot that is released in the midst of counting another one is not lost",
        "ratelimit_ddb/slots/local_slots.py",
        "            self._counts[key] += 1\n            return most",
        "            self._counts[key] = self._counts.get(key, 0) + 1\n            return most",
        f"{_WITHIN}a_count_of_slots_is_exact_whatever_is_released_meanwhile",
    ),
    Guard(
        "P1: what a finalizer takes in the midst of another take counts",
        "ratelimit_ddb/store/memory.py",
        "        if self._writes != writes:\n            return self._take(take)",
        "        if self._writes < writes:\n            return self._take(take)",
        f"{_WITHIN}p1_no_take_is_lost_for_another_in_its_midst",
    ),
    Guard(
        "P16: a store that is broken ends no renewals of other stores' slots",
        "ratelimit_ddb/slots/renewer.py",
        "            with self._changed:\n                self._start()\n\n    def _wait(",
        "            pass\n\n    def _wait(",
        f"{_RENEWAL}p16_slots_are_renewed_though_a_store_that_is_broken_has_ended_the_thread",
    ),
    Guard(
        "P16: slots are renewed though a thread could not be started at first",
        "ratelimit_ddb/slots/renewer.py",
        "        except RuntimeError as failure:",
        "        except ZeroDivisionError as failure:",
        f"{_RENEWAL}p16_slots_are_renewed_though_a_thread_could_not_be_started_at_first",
    ),
    Guard(
        "P8: no bucket is in the item of a key's slots",
        "ratelimit_ddb/key.py",
        "    return _digested(text, _NO_TEXT) if text.endswith(_OF_SLOTS) else _fitting(text)",
        "    return _fitting(text)",
        f"{_LIMITER}p8_a_bucket_whose_key_ends_as_those_of_slots_is_in_an_item_of_its_own",
    ),
)
