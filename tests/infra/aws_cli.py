"""What the module's scripts call of the AWS CLI, by boto3: the CLI is no dependency here.

As the CLI does, it writes lists on one line, with tabs, and None where there is nothing.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import jmespath

from tests.rate_limit_table import client


def main() -> None:
    """``dynamodb describe-table``, ``update-table`` and ``wait table-exists``."""
    parser = argparse.ArgumentParser(prog="aws")
    parser.add_argument("words", nargs="+")
    for name in ("table-name", "billing-mode", "provisioned-throughput", "query", "output"):
        parser.add_argument(f"--{name}")
    for name in ("global-secondary-index-updates", "on-demand-throughput"):
        parser.add_argument(f"--{name}", type=json.loads)
    options = parser.parse_args()
    dynamodb = client(os.environ["ENDPOINT_URL"] or None)
    match options.words:
        case ["dynamodb", "describe-table"]:
            write(dynamodb.describe_table(TableName=options.table_name), options.query)
        case ["dynamodb", "update-table"]:
            parameters: dict[str, Any] = {"TableName": options.table_name}
            if options.billing_mode:
                parameters["BillingMode"] = options.billing_mode
            if options.provisioned_throughput:
                pairs = (pair.split("=") for pair in options.provisioned_throughput.split(","))
                throughput = {name: int(number) for name, number in pairs}
                parameters["ProvisionedThroughput"] = throughput
            if options.on_demand_throughput:
                parameters["OnDemandThroughput"] = options.on_demand_throughput
            if options.global_secondary_index_updates:
                updates = options.global_secondary_index_updates
                parameters["GlobalSecondaryIndexUpdates"] = updates
            with Path(os.environ["NOTE_UPDATES_IN"]).open("a") as notes:
                print(json.dumps(parameters), file=notes)
            if options.on_demand_throughput:
                # DynamoDB Local has no such bounds: what is sent is noted, and that is all.
                print("UPDATING")
                return
            write(dynamodb.update_table(**parameters), options.query)
        case ["dynamodb", "wait", "table-exists"]:
            dynamodb.get_waiter("table_exists").wait(TableName=options.table_name)
        case _:
            parser.error(f"unknown command: {' '.join(options.words)}")


def write(answer: dict[str, Any], query: str) -> None:
    """Part of an answer, as ``--output text`` writes it."""
    found = jmespath.search(query, answer)
    values = found if isinstance(found, list) else [found]
    print("\t".join("None" if value is None else str(value) for value in values))


if __name__ == "__main__":
    main()
