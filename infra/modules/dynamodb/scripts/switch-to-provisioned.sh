#!/bin/sh
# Switch tables from on demand to provisioned capacity, each with all its indexes in one request, as
# AWS wants it: switch-to-provisioned.sh READ_UNITS WRITE_UNITS TABLE...
#
# The units are those that each table and each index begins with; take what they use now, or more:
# Application Auto Scaling brings them within its bounds when Terraform applies. The region and the
# credentials are those of the AWS CLI. A table that is provisioned already is left as it is.
set -eu

if [ "$#" -lt 3 ]; then
  echo "usage: $0 READ_UNITS WRITE_UNITS TABLE..." >&2
  exit 2
fi
for units in "$1" "$2"; do
  case $units in
    '' | *[!0-9]* | 0*)
      echo "$0: '$units' must be a whole number of units, 1 or more" >&2
      exit 2
      ;;
  esac
done
read_units=$1 write_units=$2
shift 2

for table in "$@"; do
  mode=$(aws dynamodb describe-table --table-name "$table" \
    --query 'Table.BillingModeSummary.BillingMode' --output text)
  if [ "$mode" != PAY_PER_REQUEST ]; then
    echo "$table is provisioned already"
    continue
  fi
  indexes=$(aws dynamodb describe-table --table-name "$table" \
    --query 'Table.GlobalSecondaryIndexes[].IndexName' --output text)
  updates=''
  for index in $indexes; do
    # The CLI writes None where there are none. Names have no character that JSON escapes.
    [ "$index" = None ] && continue
    updates="$updates${updates:+,}{\"Update\":{\"IndexName\":\"$index\",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":$read_units,\"WriteCapacityUnits\":$write_units}}}"
  done
  if [ -n "$updates" ]; then
    set -- "$table" --global-secondary-index-updates "[$updates]"
  else
    set -- "$table"
  fi
  aws dynamodb update-table --table-name "$@" --billing-mode PROVISIONED \
    --provisioned-throughput "ReadCapacityUnits=$read_units,WriteCapacityUnits=$write_units" \
    --query 'TableDescription.TableStatus' --output text >/dev/null
  aws dynamodb wait table-exists --table-name "$table"
  echo "$table is provisioned: $read_units read and $write_units write units, and each index as many"
done
