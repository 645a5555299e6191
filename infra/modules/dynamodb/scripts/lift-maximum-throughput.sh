#!/bin/sh
# Lift the bounds on what tables on demand, and their indexes, serve in a second, which an entry of
# on_demand_maximum_throughput has set: lift-maximum-throughput.sh TABLE...
#
# Terraform can set and change such a bound, and can't take it away. The region and the credentials
# are those of the AWS CLI. Bounds that are still in the configuration come back with the next apply.
set -eu

if [ "$#" -lt 1 ]; then
  echo "usage: $0 TABLE..." >&2
  exit 2
fi

# -1 is DynamoDB's word for no bound.
none='{"MaxReadRequestUnits":-1,"MaxWriteRequestUnits":-1}'

for table in "$@"; do
  indexes=$(aws dynamodb describe-table --table-name "$table" \
    --query 'Table.GlobalSecondaryIndexes[].IndexName' --output text)
  updates=''
  for index in $indexes; do
    # The CLI writes None where there are none. Names have no character that JSON escapes.
    [ "$index" = None ] && continue
    updates="$updates${updates:+,}{\"Update\":{\"IndexName\":\"$index\",\"OnDemandThroughput\":$none}}"
  done
  set -- "$table"
  if [ -n "$updates" ]; then
    set -- "$@" --global-secondary-index-updates "[$updates]"
  fi
  aws dynamodb update-table --table-name "$@" --on-demand-throughput "$none" \
    --query 'TableDescription.TableStatus' --output text >/dev/null
  aws dynamodb wait table-exists --table-name "$table"
  echo "$table has no bound, nor have its indexes"
done
