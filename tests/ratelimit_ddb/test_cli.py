"""The command: its help, its errors, and `tables create`."""

from __future__ import annotations

import importlib
import io
import os
import subprocess
import sys
import uuid
from pathlib import Path
from types import ModuleType

import boto3
import pytest

from ddbwire.shared.command_line.exit_code import exit_code_of
from ddbwire.shared.command_line.printable import print_table
from ratelimit_ddb.cli import main
from sessions import DynamoDBSessionStore
from tests.dynamodb_local import free_port


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = capsys.readouterr().err.splitlines()
    return line


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        monkeypatch.delenv(name)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which neither credentials nor a region are configured."""
    without(monkeypatch, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("ratelimit-ddb ")


@pytest.mark.parametrize("command", [[], ["cost"], ["rules"], ["tables"], ["tables", "create"]])
def test_that_every_command_has_help(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert "usage: " + " ".join(["ratelimit-ddb", *command]) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "COMMAND"),
        (["nonsense"], "nonsense"),
        (["demo"], "invalid choice: 'demo'"),
        (["tables", "create", "--endpoint-url", "localhost:8000"], "write http://HOST:PORT"),
        (["tables", "create", "--endpoint-url", "http://localhost:port"], "http://HOST:PORT"),
        (["tables", "create", "--endpoint-url", "http://local host:8000"], "without spaces"),
        (["tables", "create", "--endpoint-url", "http://my_host:8000"], "no '_'"),
    ],
)
def test_that_wrong_arguments_are_told_in_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert told in one_line(capsys)


@pytest.mark.parametrize(
    "endpoint",
    ["http://admin:s3cret@local:99999", "admin:s3cret@local", "http://admin:s3 cret@local"],
)
def test_that_an_endpoint_that_is_refused_is_told_without_its_password(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["tables", "create", "--endpoint-url", endpoint])
    assert ended.value.code == 2
    told = one_line(capsys)
    assert "local" in told
    assert "cret" not in told
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert main(["tables", "create"]) == 2
    told = one_line(capsys)
    assert "AWS_ENDPOINT_URL" in told
    assert "cret" not in told


@pytest.mark.parametrize(
    "arguments",
    [
        ["tables", "create", "--table", "a b"],
        ["tables", "create", "--prefix", "a b"],
    ],
)
def test_that_an_impossible_name_is_told_in_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert one_line(capsys).startswith("ratelimit-ddb: table name 'a b")


@pytest.mark.parametrize("option", ["prefix", "environment"])
@pytest.mark.parametrize("name", ["", "P" * 65])
def test_that_a_name_that_terraform_would_refuse_is_told_in_one_line(
    option: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tables", "create", f"--{option}", name]) == 2
    assert one_line(capsys).startswith(f"ratelimit-ddb: {option} {name!r}: must ")


def test_that_a_provider_of_credentials_that_is_none_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\ncredential_process = /nonexistent/program\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert main(["tables", "create"]) == 1
    assert "/nonexistent/program'); check the profile" in one_line(capsys)


@pytest.mark.usefixtures("nobody")
def test_that_tables_are_created_then_left(
    dynamodb_endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = f"t{uuid.uuid4().hex[:12]}"
    command = ["tables", "create", "--endpoint-url", dynamodb_endpoint, "--prefix", prefix]

    assert main(command) == 0
    first = capsys.readouterr().out
    assert main(command) == 0
    second = capsys.readouterr().out

    assert f"{dynamodb_endpoint} (us-east-1, made-up credentials and region)" in first
    assert "production" not in first
    assert (first.count("  created  "), first.count("  left ")) == (5, 0)
    assert f"{prefix}-dev-user-sessions" in first
    assert "by sessionId + userId, index ownerId-createdAt-index, TTL expiresAt" in first
    assert (second.count("  created  "), second.count("  left ")) == (0, 5)
    assert "already exists" in second


def test_that_a_table_of_sessions_can_be_created_by_its_name(
    dynamodb_endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"t{uuid.uuid4().hex[:12]}"
    command = ["tables", "create", "--endpoint-url", dynamodb_endpoint, "--region", "eu-west-1"]

    assert main([*command, "--sessions-table", name, "--table", f"{name}-limits"]) == 0

    told = capsys.readouterr().out
    assert "by sessionId + userId, index ownerId-createdAt-index, TTL expiresAt" in told
    assert told.count("  created  ") == 2
    with DynamoDBSessionStore(
        name, endpoint_url=dynamodb_endpoint, region_name="eu-west-1"
    ) as store:
        store.check()

    assert main([*command, "--sessions-table", name, "--single-table"]) == 2
    assert "give its name by --table" in one_line(capsys)
    assert main([*command, "--sessions-table", name, "--table", name]) == 2
    assert "give two names" in one_line(capsys)


@pytest.mark.usefixtures("nobody")
def test_that_somebody_elses_table_is_left_as_it_is_and_told(
    dynamodb_endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = f"t{uuid.uuid4().hex[:12]}"
    command = ["tables", "create", "--endpoint-url", dynamodb_endpoint]
    assert main([*command, "--prefix", prefix]) == 0
    orders = f"{prefix}-dev-conversations"  # whose items do not expire
    capsys.readouterr()

    assert main([*command, "--table", orders]) == 1

    told = capsys.readouterr().out
    assert f"{orders}  already exists, with other keys: conversationId (S) + messageId (S)" in told
    client = boto3.client(
        "dynamodb",
        endpoint_url=dynamodb_endpoint,
        region_name="us-east-1",
        aws_access_key_id="dummy",
        aws_secret_access_key="dummy",
    )
    ttl = client.describe_time_to_live(TableName=orders)["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "DISABLED"


def test_that_one_rate_limits_table_can_be_created(
    dynamodb_endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"t{uuid.uuid4().hex[:12]}"
    command = ["tables", "create", "--endpoint-url", dynamodb_endpoint, "--region", "eu-west-1"]

    assert main([*command, "--table", name]) == 0

    assert f"{dynamodb_endpoint} (eu-west-1)\n  created  {name}" in capsys.readouterr().out
    client = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint, region_name="eu-west-1")
    assert client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE"


def test_that_an_unreachable_endpoint_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert main(["tables", "create", "--endpoint-url", url]) == 1
    assert url in one_line(capsys)


def test_that_no_message_holds_the_password_of_an_endpoint(
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"http://user:secret@127.0.0.1:{free_port()}"
    assert main(["tables", "create", "--endpoint-url", url]) == 1
    told = capsys.readouterr()
    assert "@" not in told.out + told.err
    assert "secret" not in told.out + told.err


@pytest.mark.parametrize("configured", ["nowhere", "http://[::1"])
def test_that_an_endpoint_in_the_environment_that_is_none_is_told_in_one_line(
    configured: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", configured)
    assert main(["tables", "create"]) == 2
    assert "or mend AWS_ENDPOINT_URL" in one_line(capsys)


@pytest.mark.usefixtures("nobody")
def test_that_a_missing_region_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tables", "create"]) == 1
    assert one_line(capsys) == (
        "ratelimit-ddb: no AWS region found: give --region, or set AWS_DEFAULT_REGION"
    )


@pytest.mark.usefixtures("nobody")
def test_that_missing_credentials_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # No request leaves: without credentials there is nothing to sign it with.
    assert main(["tables", "create", "--region", "eu-west-1"]) == 1
    assert one_line(capsys).startswith("ratelimit-ddb: no AWS credentials found")


@pytest.mark.usefixtures("nobody")
def test_that_production_is_said_to_be_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    main(["tables", "create", "--region", "eu-west-1"])
    assert "For development; infra/ provisions production." in capsys.readouterr().out


def test_the_installed_command(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("ratelimit-ddb")
    run = subprocess.run(
        [command, "tables", "create", "--endpoint-url", "nowhere"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(
        "ratelimit-ddb tables create: argument --endpoint-url: endpoint 'nowhere' must be "
    )


def test_that_help_needs_neither_boto3_nor_botocore() -> None:
    program = (
        "import sys; from ratelimit_ddb.cli.arguments import parser; parser().format_help();"
        "print(sorted({'boto3', 'botocore'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_that_a_reader_who_leaves_is_no_error_to_tell() -> None:
    program = (
        "import sys; from ratelimit_ddb.cli import main; "
        "sys.exit(main(['cost', '--requests-per-second', '10']))"
    )
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as output:
        run = subprocess.run(
            [sys.executable, "-c", program], stdout=output, stderr=subprocess.PIPE, check=False
        )
    assert (run.returncode, run.stderr) == (1, b"")


COST = [sys.executable, "-m", "ratelimit_ddb", "cost", "--requests-per-second", "10"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_that_a_full_disk_is_told_in_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(COST, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr == "ratelimit-ddb: [Errno 28] No space left on device\n"


def test_that_a_file_that_may_not_be_read_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def read() -> bool:
        raise PermissionError(13, "Permission denied", "/etc/aws/config")

    assert exit_code_of("any", read) == 1
    assert one_line(capsys) == "any: [Errno 13] Permission denied: '/etc/aws/config'"


def test_that_the_output_may_be_closed() -> None:
    run = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *COST], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_that_what_a_terminal_can_not_show_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))

    assert exit_code_of("any", lambda: print("caf\u00e9 \udcff") or True) == 0

    assert shown.getvalue() == b"caf\\xe9 \\udcff\n"


def test_that_columns_stand_below_each_other_whatever_their_script(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Of twice the width, and of none: a combining accent.
    print_table([("NAME", "LIMITS"), ("\u4e2d\u6587", "5"), ("e\u0301", "6"), ("plan", "7")])
    assert capsys.readouterr().out == ("NAME  LIMITS\n\u4e2d\u6587  5\ne\u0301     6\nplan  7\n")


@pytest.mark.parametrize("command", ["ratelimit_ddb", "sessions"])
def test_that_a_command_may_be_interrupted_while_it_is_loaded(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    loaded = f"{command}.cli.arguments"
    monkeypatch.setitem(sys.modules, loaded, Interrupted(loaded))
    assert importlib.import_module(f"{command}.cli").main(["check", "--table", "t"]) == 130
    assert capsys.readouterr().err == "\n"
