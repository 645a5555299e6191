"""The files whose mutants are tried, and the tests that must notice, without Java or network.

Each entry is what follows ``pytest`` on its command line, and takes seconds: of what is run on
every store, one of them, and of long histories, the first.
"""

from __future__ import annotations

_IN_MEMORY = "-k memory"
_ON_MOTO = "-k 'moto and blocking'"
_FIRST_SEEDS = "-k '[0]'"

_LEASES = (
    "tests/simulation/leased/test_leased_histories.py"
    "::test_p1_p3_p12_hold_over_the_first_histories_in_which_all_happens"
)
_OVERLOADED = (
    "tests/bench/hot_keys/test_simulation.py"
    "::test_p1_p2_p13_p14_each_case_meets_its_aims[1000/s,10,2000]"
)
_HOT_KEYS = (
    "tests/ratelimit_ddb/test_key_state.py",
    "tests/ratelimit_ddb/test_hot_keys.py",
    "tests/ratelimit_ddb/test_throttles.py",
    _LEASES,
    _OVERLOADED,
)
_TAKES = (
    "tests/ratelimit_ddb/test_coalesced_take.py",
    "tests/ratelimit_ddb/test_bucket.py",
    "tests/ratelimit_ddb/test_hot_keys.py",
    "tests/ratelimit_ddb/test_limiter.py",
    "tests/ratelimit_ddb/test_reservations.py",
    "tests/ratelimit_ddb/test_observations.py",
    f"tests/contract/test_stores.py {_IN_MEMORY}",
    "tests/ratelimit_ddb/test_throttles.py",
    "tests/ratelimit_ddb/test_quota.py -k 'lease or wait'",
    _LEASES,
)
_BLOCKS = (
    "tests/web/test_blocks.py -k 'written or alike or longer'",
    "tests/ratelimit_ddb/test_coalesced_take.py -k violation",
    "tests/web/test_blocks_and_give_back.py",
    "tests/web/test_blocks.py -k 'not dynamodb'",
    f"tests/simulation/test_rule_blocks.py {_FIRST_SEEDS}",
)
_QUOTAS = (
    "tests/property/test_arithmetic.py -k paper",
    "tests/ratelimit_ddb/test_quota.py",
    f"tests/contract/test_quotas.py {_IN_MEMORY}",
    "tests/property/test_quotas.py",
)
_SLOTS = (
    "tests/ratelimit_ddb/test_slot_flows.py",
    "tests/ratelimit_ddb/test_slot_waits.py",
    f"tests/contract/test_slots.py {_IN_MEMORY}",
    "tests/ratelimit_ddb/test_slot_renewal.py",
    "tests/web/test_in_flight.py",
    "tests/ratelimit_ddb/test_concurrency_limiter.py",
    "tests/property/test_slots.py -k 'not 20_000'",
)
_RULES = (
    "tests/web/test_rules.py",
    "tests/web/test_several_keys.py",
    "tests/web/test_shadow.py",
    "tests/web/test_costs.py",
    "tests/web/test_events.py",
    "tests/web/test_plans.py",
    "tests/web/test_functions_of_requests.py",
    "tests/web/test_reservations.py",
    "tests/web/test_give_back.py",
    "tests/web/test_websockets.py",
    "tests/web/test_in_flight.py",
    "tests/web/test_middleware.py",
    "tests/property/test_all_or_none.py",
    "tests/web/test_rule_outages.py",
)
_PATHS = (
    "tests/web/test_several_paths.py",
    "tests/web/test_path.py",
    "tests/web/test_rule_construction.py",
    "tests/web/test_mounts.py",
)
_ADDRESSES = (
    "tests/web/test_forwarded.py",
    "tests/web/test_client_address.py",
    "tests/web/test_untrusted_proxy.py",
    "tests/property/test_addresses.py",
)
_IDENTITIES = (
    "tests/web/test_readings.py",
    "tests/web/test_identity.py",
    "tests/property/test_cookie_readings.py",
)
_FILES = (
    "tests/web/test_toml_lines.py",
    "tests/web/test_rules_toml.py",
    "tests/web/test_rule_table.py",
    "tests/web/test_rules_file.py",
    "tests/fuzz/test_rules_files.py",
)
_SESSION = (
    "tests/sessions/test_session.py",
    "tests/sessions/test_life.py",
    "tests/sessions/test_requirements_1_to_4.py",
    "tests/sessions/test_requirements_5_to_8.py",
    f"tests/contract/test_session_ids.py {_IN_MEMORY}",
    f"tests/contract/test_session_contents.py {_IN_MEMORY}",
    f"tests/contract/test_login_lifetimes.py {_IN_MEMORY}",
    f"tests/contract/test_slow_requests.py {_IN_MEMORY}",
    "tests/sessions/test_replaced.py",
    "tests/sessions/test_flash_csrf.py",
    "tests/sessions/test_events.py",
    "tests/sessions_web/test_events.py",
    "tests/sessions_web/test_freshness.py",
    "tests/sessions_web/test_tasks_of_a_request.py",
    f"tests/contract/test_long_requests.py {_IN_MEMORY}",
    f"tests/contract/test_replaced_sessions.py {_IN_MEMORY}",
    "tests/sessions/test_interleavings.py",
)
_SESSION_STORES = (
    f"tests/contract/test_session_stores.py {_IN_MEMORY}",
    f"tests/contract/test_session_owners.py {_IN_MEMORY}",
    "tests/sessions/test_memory_store.py",
)
_SESSION_TABLES = (
    "tests/sessions/test_items.py",
    f"tests/contract/test_session_stores.py {_ON_MOTO}",
    f"tests/contract/test_session_owners.py {_ON_MOTO}",
    "tests/sessions/test_many_sessions.py -k 'a_batch or pages or register'",
    "tests/sessions/test_dynamodb_store.py",
)
_MAX_SESSIONS = (
    "tests/sessions/test_life.py",
    "tests/sessions_web/test_max_sessions.py",
    f"tests/contract/test_session_counts.py {_IN_MEMORY}",
    f"tests/contract/test_max_sessions.py {_IN_MEMORY}",
)
_CREDENTIALS = (
    "tests/sessions_web/test_bearer.py",
    "tests/sessions_web/test_cookies.py",
    "tests/sessions_web/test_forged_cookies.py",
    "tests/sessions_web/test_login_cookies.py",
    "tests/sessions/test_previous.py",
)
_DEVICES = (
    "tests/device_bound/test_macs.py",
    "tests/device_bound/test_binding.py",
    "tests/device_bound/test_options.py",
    "tests/device_bound/test_life.py",
    "tests/device_bound/test_theft.py",
    "tests/device_bound/test_proofs.py",
)
_RESPONSES = (
    "tests/ddbwire/test_reply.py",
    "tests/ddbwire/test_refusals.py",
    "tests/ddbwire/test_time.py",
    "tests/ddbwire/test_throttles.py",
    "tests/fuzz/test_responses.py -k 'not store_error'",
)

CORES: dict[str, tuple[str, ...]] = {
    "ddbwire/calls/retry.py": (
        "tests/ddbwire/test_retry.py",
        "tests/ddbwire/test_refusals.py",
        "tests/ddbwire/test_throttles.py",
        "tests/ddbwire/test_time.py",
        "tests/ddbwire/test_faults.py",
    ),
    "ddbwire/clocks/table_clock.py": ("tests/ddbwire/test_clock.py", "tests/ddbwire/test_time.py"),
    "ddbwire/connections/response_reader.py": _RESPONSES,
    "ddbwire/protocol/parse_response.py": ("tests/ddbwire/test_parse_response.py", *_RESPONSES),
    "ddbwire/protocol/throttle.py": _RESPONSES,
    "ddbwire/signing/sigv4.py": ("tests/ddbwire/test_signing.py",),
    "ddbwire/shared/single_table.py": (
        "tests/single_table/test_limiter_keys.py",
        "tests/single_table/test_layout.py",
    ),
    "ratelimit_ddb/bucket/arithmetic.py": (
        "tests/property/test_arithmetic.py -k paper",
        "tests/property/test_arithmetic.py -k alone",
        "tests/ratelimit_ddb/test_bucket.py",
    ),
    "ratelimit_ddb/bucket/batch.py": _TAKES,
    "ratelimit_ddb/bucket/block_lookup.py": _BLOCKS,
    "ratelimit_ddb/bucket/bucket.py": (
        "tests/ratelimit_ddb/test_bucket.py",
        "tests/ratelimit_ddb/test_coalesced_take.py",
        "tests/ratelimit_ddb/test_debts.py",
        "tests/ratelimit_ddb/test_limiter.py",
        f"tests/contract/test_stores.py {_IN_MEMORY}",
        "tests/ratelimit_ddb/test_memory_at_once.py",
        "tests/ratelimit_ddb/test_hot_keys.py",
        "tests/ratelimit_ddb/test_quota.py",
    ),
    "ratelimit_ddb/bucket/debt.py": (
        "tests/ratelimit_ddb/test_debts.py",
        "tests/ratelimit_ddb/test_bucket.py",
        f"tests/contract/test_debts.py {_IN_MEMORY}",
        "tests/web/test_blocks.py",
        f"tests/simulation/test_debts.py {_FIRST_SEEDS}",
    ),
    "ratelimit_ddb/bucket/hot_key_policy.py": (
        "tests/ratelimit_ddb/test_hot_key_policy.py",
        *_TAKES,
        "tests/ratelimit_ddb/test_quota.py",
    ),
    "ratelimit_ddb/bucket/leased_tokens.py": (
        "tests/ratelimit_ddb/test_hot_key_policy.py",
        *_TAKES,
        "tests/ratelimit_ddb/test_debts.py",
    ),
    "ratelimit_ddb/bucket/observations.py": (
        "tests/ratelimit_ddb/test_observations.py",
        "tests/ratelimit_ddb/test_limiter.py",
        "tests/ratelimit_ddb/test_hot_keys.py",
    ),
    "ratelimit_ddb/bucket/quota_arithmetic.py": _QUOTAS,
    "ratelimit_ddb/bucket/refund.py": (
        "tests/ratelimit_ddb/test_bucket.py",
        "tests/ratelimit_ddb/test_quota.py -k refund",
        "tests/ratelimit_ddb/test_hot_keys.py",
        "tests/property/test_refunds.py",
        f"tests/contract/test_stores.py {_IN_MEMORY}",
    ),
    "ratelimit_ddb/bucket/single_take.py": _TAKES,
    "ratelimit_ddb/bucket/violations.py": _BLOCKS,
    "ratelimit_ddb/bucket/coalesced_take.py": _TAKES,
    "ratelimit_ddb/calendar_windows.py": (
        "tests/ratelimit_ddb/test_quota.py",
        "tests/property/test_quotas.py",
    ),
    "ratelimit_ddb/hot_keys/demand.py": _HOT_KEYS,
    "ratelimit_ddb/hot_keys/hot_keys.py": ("tests/ratelimit_ddb/test_hot_keys.py",),
    "ratelimit_ddb/hot_keys/key_state.py": _HOT_KEYS,
    "ratelimit_ddb/hot_keys/lease.py": (
        "tests/ratelimit_ddb/test_coalesced_take.py",
        *_HOT_KEYS,
    ),
    "ratelimit_ddb/hot_keys/waiter.py": (
        "tests/ratelimit_ddb/test_coalesced_take.py",
        *_HOT_KEYS,
    ),
    "ratelimit_ddb/key.py": ("tests/ratelimit_ddb/test_key.py", "tests/property/test_keys.py"),
    "ratelimit_ddb/limit.py": (
        "tests/ratelimit_ddb/test_limit.py",
        "tests/ratelimit_ddb/test_quota.py -k notation",
        "tests/property/test_notation.py",
        "tests/fuzz/test_linear_time.py -k test_a_limit",
    ),
    "ratelimit_ddb/local_buckets.py": ("tests/ratelimit_ddb/test_local_buckets.py",),
    "ratelimit_ddb/operations/breaker.py": ("tests/ratelimit_ddb/test_breaker.py",),
    "ratelimit_ddb/operations/driver.py": (
        "tests/ratelimit_ddb/test_driver.py",
        "tests/ratelimit_ddb/test_blocking_in_event_loop.py",
        "tests/ratelimit_ddb/test_breaker.py",
        "tests/ratelimit_ddb/test_hot_keys.py",
        "tests/ratelimit_ddb/test_limiter.py",
        "tests/ratelimit_ddb/test_reservations.py",
        "tests/web/test_rules_side_by_side.py",
    ),
    "ratelimit_ddb/once.py": (
        "tests/ratelimit_ddb/test_concurrency_limiter.py -k 'enter or release'",
        f"tests/contract/test_reservations.py {_IN_MEMORY}",
    ),
    "ratelimit_ddb/quota.py": _QUOTAS,
    "ratelimit_ddb/slots/held_slot.py": _SLOTS,
    "ratelimit_ddb/slots/local_slots.py": (
        "tests/ratelimit_ddb/test_slot_counts.py",
        "tests/ratelimit_ddb/test_calls_within_calls.py",
    ),
    "ratelimit_ddb/slots/mark.py": ("tests/ratelimit_ddb/test_slot_flows.py",),
    "ratelimit_ddb/slots/renewer.py": _SLOTS,
    "ratelimit_ddb/slots/seen_slots.py": ("tests/ratelimit_ddb/test_slot_flows.py",),
    "ratelimit_ddb/slots/slot.py": _SLOTS,
    "ratelimit_ddb/slots/slot_flows.py": _SLOTS,
    "ratelimit_ddb/slots/slots_core.py": _SLOTS,
    "ratelimit_ddb/slots/wait_queue.py": _SLOTS,
    "ratelimit_ddb/store/dynamodb/item_keys.py": ("tests/single_table/test_limiter_keys.py",),
    "ratelimit_ddb/store/dynamodb/limits_request.py": (
        "tests/ratelimit_ddb/test_dynamodb_requests.py",
    ),
    "ratelimit_ddb/store/dynamodb/request.py": (
        "tests/ratelimit_ddb/test_dynamodb_requests.py",
        "tests/ratelimit_ddb/test_scan_requests.py",
        f"tests/contract/test_stores.py {_ON_MOTO}",
        "tests/fuzz/test_responses.py -k limiter",
        "tests/ratelimit_ddb/test_dynamodb_store.py",
    ),
    "ratelimit_ddb/store/dynamodb/scan_request.py": (
        "tests/ratelimit_ddb/test_scan_requests.py",
        "tests/fuzz/test_responses.py -k scan",
    ),
    "ratelimit_ddb/store/dynamodb/slot_request.py": (
        "tests/ratelimit_ddb/test_dynamodb_requests.py",
    ),
    "ratelimit_ddb/store/memory.py": (
        "tests/ratelimit_ddb/test_memory_store.py",
        f"tests/contract/test_store_objects.py {_IN_MEMORY}",
        "tests/ratelimit_ddb/test_memory_at_once.py",
        f"tests/contract/test_stores.py {_IN_MEMORY}",
        "tests/ratelimit_ddb/test_calls_within_calls.py",
    ),
    "ratelimit_ddb/store/memory_slots.py": (
        "tests/ratelimit_ddb/test_memory_store.py",
        "tests/ratelimit_ddb/test_calls_within_calls.py",
    ),
    "ratelimit_ddb/stored_limits/limits_cache.py": (
        "tests/ratelimit_ddb/test_stored_limits.py",
        "tests/web/test_stored_limits.py",
        f"tests/contract/test_stored_limits.py {_IN_MEMORY}",
    ),
    "ratelimit_ddb/web/gate/charges.py": (
        *_RULES,
        "tests/web/test_namespace_and_enabled.py",
        "tests/web/test_preflight.py",
        "tests/web/test_access_lists.py",
        "tests/web/test_stored_limits.py",
        "tests/web/test_identity.py",
        "tests/frameworks/fastapi/test_routes.py -k bucket_for_each_route",
    ),
    "ratelimit_ddb/web/gate/evaluator.py": (
        *_RULES,
        "tests/web/test_blocks.py",
        "tests/web/test_access_lists.py",
        "tests/web/test_rules_side_by_side.py",
        "tests/web/test_opentelemetry.py -k capacity",
    ),
    "ratelimit_ddb/web/gate/decision_refunds.py": (
        "tests/web/test_rules_side_by_side.py",
        "tests/web/test_give_back.py",
        "tests/web/test_rule_outages.py",
        "tests/frameworks/test_limits_in_several_places.py",
    ),
    "ratelimit_ddb/web/gate/denial_answers.py": (
        "tests/web/test_on_denied.py",
        "tests/web/test_denial.py",
    ),
    "ratelimit_ddb/web/gate/gate.py": (
        *_RULES,
        "tests/web/test_on_denied.py",
        "tests/web/test_wsgi.py",
        "tests/web/test_options.py",
        "tests/web/test_access_lists.py",
        "tests/web/test_blocks.py",
        "tests/web/test_namespace_and_enabled.py",
        "tests/web/test_stored_limits.py",
        "tests/web/test_passage.py",
        "tests/frameworks/test_limits_in_several_places.py",
        "tests/frameworks/test_default_rules.py",
    ),
    "ratelimit_ddb/web/gate/request_refund.py": (
        "tests/web/test_give_back.py",
        "tests/web/test_blocks_and_give_back.py",
        "tests/web/test_reservations.py",
        "tests/frameworks/test_give_back.py",
        "tests/frameworks/test_default_rules.py",
        "tests/frameworks/test_limits_in_several_places.py",
    ),
    "ratelimit_ddb/web/identity/address.py": _ADDRESSES,
    "ratelimit_ddb/web/identity/client_address.py": (
        *_ADDRESSES,
        "tests/web/test_access_lists.py",
    ),
    "ratelimit_ddb/web/identity/forwarded.py": _ADDRESSES,
    "ratelimit_ddb/web/identity/readings.py": _IDENTITIES,
    "ratelimit_ddb/web/identity/token_form.py": ("tests/web/test_token_form.py",),
    "ratelimit_ddb/web/response/accept.py": ("tests/web/test_accept.py",),
    "ratelimit_ddb/web/response/fields.py": (
        "tests/web/test_fields.py",
        "tests/web/test_shadow.py",
        "tests/web/test_several_keys.py",
        "tests/web/test_give_back.py -k fields",
        "tests/web/test_in_flight.py",
        "tests/frameworks/test_limits_in_several_places.py",
    ),
    "ratelimit_ddb/web/rules/bucket_keys.py": (
        "tests/web/test_rules.py",
        "tests/web/test_identity.py",
        "tests/web/test_several_keys.py",
    ),
    "ratelimit_ddb/web/rules/path.py": _PATHS,
    "ratelimit_ddb/web/rules/path_automaton.py": _PATHS,
    "ratelimit_ddb/web/rules/path_notation.py": _PATHS,
    "ratelimit_ddb/web/rules/rules_toml.py": _FILES,
    "ratelimit_ddb/web/rules/toml_lines.py": (
        *_FILES,
        "tests/fuzz/test_linear_time.py -k lines",
    ),
    "ratelimit_ddb/web/structured_fields.py": ("tests/web/test_structured_fields.py",),
    "sessions/authorization.py": _CREDENTIALS,
    "sessions/client_token.py": (
        *_CREDENTIALS,
        "tests/sessions_web/test_testing.py",
        "tests/device_bound/test_life.py",
    ),
    "sessions/cookie/cookie.py": ("tests/sessions/test_cookie.py", "tests/sessions/test_cves.py"),
    "sessions/cookie/token.py": (
        "tests/sessions/test_tokens.py",
        "tests/sessions/test_cves.py",
        "tests/sessions/test_options.py -k secret",
    ),
    "sessions/credential.py": _CREDENTIALS,
    "sessions/device_bound/binding.py": _DEVICES,
    "sessions/device_bound/bound_cookie.py": _DEVICES,
    "sessions/device_bound/challenge.py": _DEVICES,
    "sessions/device_bound/endpoints.py": _DEVICES,
    "sessions/device_bound/fields.py": _DEVICES,
    "sessions/device_bound/mac.py": _DEVICES,
    "sessions/device_bound/proof.py": _DEVICES,
    "sessions/device_bound/public_key.py": _DEVICES,
    "sessions/device_check.py": (*_DEVICES, "tests/sessions_web/test_bearer.py"),
    "sessions/lifecycle/commit.py": (
        *_SESSION,
        *_SESSION_STORES,
        "tests/sessions/test_cipher.py",
        "tests/sessions_web/test_asgi.py",
        "tests/sessions_web/test_streams.py",
        "tests/sessions_web/test_failures.py",
        "tests/sessions_web/test_outage.py",
        "tests/sessions_web/test_saves_that_fail.py",
        "tests/sessions_web/test_tasks_of_a_request.py",
        "tests/sessions_web/test_forged_cookies.py",
        "tests/sessions_web/test_seconds_left.py",
        "tests/sessions_web/test_bearer.py",
        "tests/sessions_web/test_assignment.py",
        "tests/sessions_web/test_asgi.py -k never_answers",
        "tests/device_bound/test_binding.py",
        "tests/sessions/test_previous.py",
        *_MAX_SESSIONS,
    ),
    "sessions/lifecycle/end.py": (
        "tests/sessions_web/test_forged_cookies.py",
        f"tests/contract/test_session_owners.py {_IN_MEMORY}",
        *_SESSION,
    ),
    "sessions/lifecycle/load.py": (
        *_SESSION,
        "tests/sessions/test_cipher.py",
        f"tests/contract/test_max_sessions.py {_IN_MEMORY}",
        "tests/sessions_web/test_forged_cookies.py",
        "tests/contract/test_session_contents.py -k 'two_rows and moto and blocking'",
    ),
    "sessions/lifecycle/max_sessions.py": (
        *_MAX_SESSIONS,
        "tests/sessions/test_previous.py",
        f"tests/contract/test_session_counts.py {_ON_MOTO}",
        f"tests/contract/test_max_sessions.py {_ON_MOTO}",
    ),
    "sessions/lifecycle/new_id.py": (
        *_SESSION,
        *_SESSION_STORES,
        *_MAX_SESSIONS,
        "tests/device_bound/test_life.py",
        "tests/sessions/test_previous.py",
        "tests/sessions/test_cipher.py",
    ),
    "sessions/lifecycle/revocation.py": (
        "tests/sessions/test_events.py",
        "tests/sessions/test_replaced.py",
        "tests/sessions_web/test_failures.py",
        *_MAX_SESSIONS,
    ),
    "sessions/lifecycle/take_over.py": (
        "tests/sessions/test_previous.py",
        f"tests/contract/test_session_previous.py {_IN_MEMORY}",
        f"tests/contract/test_session_switching_on.py {_IN_MEMORY}",
    ),
    "sessions/session_state.py": (
        *_SESSION,
        "tests/sessions_web/test_failures.py",
        "tests/sessions_web/test_outage.py",
        "tests/sessions_web/test_seconds_left.py",
        "tests/sessions_web/test_assignment.py",
        "tests/sessions_web/test_saves_that_fail.py",
        "tests/sessions_web/test_login_cookies.py",
        f"tests/contract/test_max_sessions.py {_IN_MEMORY}",
    ),
    "sessions/store/dynamodb/count.py": (
        f"tests/contract/test_session_counts.py {_ON_MOTO}",
        f"tests/contract/test_max_sessions.py {_ON_MOTO}",
    ),
    "sessions/store/dynamodb/item.py": _SESSION_TABLES,
    "sessions/store/dynamodb/item_keys.py": (
        "tests/single_table/test_session_keys.py",
        *_SESSION_TABLES,
    ),
    "sessions/store/dynamodb/translation.py": (
        *_SESSION_TABLES,
        f"tests/contract/test_session_counts.py {_ON_MOTO}",
    ),
    "sessions/store/memory_rows.py": (
        *_SESSION_STORES,
        "tests/sessions/test_calls_within_calls.py",
    ),
    "sessions/values/cipher.py": (
        "tests/sessions/test_cipher.py",
        "tests/fuzz/test_sessions.py",
        "tests/sessions/test_options.py -k encryption",
        "tests/test_packaging.py -k missing_package",
    ),
    "sessions/values/csrf.py": ("tests/sessions/test_flash_csrf.py",),
    "sessions/values/values.py": (
        "tests/sessions/test_values.py",
        "tests/sessions/test_session.py",
        "tests/fuzz/test_sessions.py",
        "tests/fuzz/test_linear_time.py -k sessions",
    ),
}
"""For each file, the tests that tell it from its mutants soonest, first."""
