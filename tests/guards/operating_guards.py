"""The guards of the operator's commands: the key that is meant, and a table that is spared."""

from __future__ import annotations

from tests.guards.guard import Guard

_RULES = "tests/ratelimit_ddb/test_cli_rules.py::test_"
_TOP = "tests/ratelimit_ddb/test_cli_top.py::test_"
_CLI = "tests/ratelimit_ddb/test_cli.py::test_that_"
_SCAN = "tests/ratelimit_ddb/test_table_scan.py::test_"
_WRITTEN = "ratelimit_ddb/web/identity/written_identity.py"

OPERATING = (
    Guard(
        "an address that is none is nobody's key",
        _WRITTEN,
        "        if parsed(text) is None:\n",
        "        if not text:\n",
        f"{_RULES}what_is_no_bucket_of_the_rule_is_refused_with_the_way_out",
    ),
    Guard(
        "a value that no request can have is nobody's key",
        _WRITTEN,
        "    if is_fallback(found):\n",
        "    if found is None:\n",
        f"{_RULES}what_is_no_bucket_of_the_rule_is_refused_with_the_way_out",
    ),
    Guard(
        "no logger exists before logging is configured",
        "ratelimit_ddb/log.py",
        "    if logger is not None and not isinstance(logger, logging.Logger):\n",
        "    logger = logger or logging.getLogger(LOGGER)\n"
        "    if not isinstance(logger, logging.Logger):\n",
        "tests/web/test_log.py::test_logging_that_is_configured_after_the_imports_hears_everything",
    ),
    Guard(
        "a number is written in ASCII digits",
        "ddbwire/shared/command_line/numbers.py",
        "    return float(text) if _DECIMAL.fullmatch(text) else None\n",
        "    return float(text)\n",
        "tests/ratelimit_ddb/test_cost.py::test_wrong_arguments_are_told_in_one_line",
    ),
    Guard(
        "a secret by stdin is read as an argument would be",
        "ratelimit_ddb/cli/rule_buckets.py",
        'sys.stdin.reconfigure(errors="surrogateescape")',
        "pass",
        f"{_RULES}a_secret_by_stdin_need_not_be_utf_8",
    ),
    Guard(
        "what a terminal would obey is escaped",
        "ddbwire/shared/command_line/printable.py",
        "    if text.isprintable():\n        return text\n",
        "    if text:\n        return text\n",
        f"{_TOP}what_a_terminal_would_obey_is_escaped",
    ),
    Guard(
        "what a terminal has no sign for is escaped",
        "ddbwire/shared/command_line/exit_code.py",
        'stream.reconfigure(errors="backslashreplace")',
        "pass",
        f"{_CLI}what_a_terminal_can_not_show_is_escaped",
    ),
    Guard(
        "no password of an endpoint is printed",
        "ddbwire/shared/command_line/endpoint.py",
        "Endpoint(client, without_user_information(url), known",
        "Endpoint(client, url, known",
        f"{_CLI}no_message_holds_the_password_of_an_endpoint",
    ),
    Guard(
        "no password of what is no URL is told, as botocore would",
        "ddbwire/endpoint.py",
        "(?<=Invalid endpoint: ).*@|",
        "",
        f"{_CLI}an_endpoint_that_is_refused_is_told_without_its_password",
    ),
    Guard(
        "a scan is paused until its read units are paid for",
        "ratelimit_ddb/cli/table_scan.py",
        "                self._sleep(ahead)\n",
        "                pass\n",
        f"{_SCAN}no_more_read_units_are_used_than_are_allowed",
    ),
    Guard(
        "what was found is shown though a scan is cut short",
        "ratelimit_ddb/cli/top.py",
        "        _show(options, scanning, most, before)\n        raise\n",
        "        raise\n",
        f"{_TOP}what_was_found_is_shown_though_it_is_cut_short",
    ),
)
