# The tables that are there before the plan. Some changes fail halfway, or lose something on their
# way, depending on what a table was before; a plan that knows it can refuse them, or do them in a
# safe way. A table that is not there yet is in none of these maps.

data "aws_dynamodb_tables" "existing" {
  count = var.read_existing_tables ? 1 : 0
}

data "aws_dynamodb_table" "existing" {
  for_each = {
    for key, name in var.read_existing_tables ? local.table_names : {} : key => name
    if contains(flatten(data.aws_dynamodb_tables.existing[*].names), name)
  }

  name = each.value
}

locals {
  # The key of each replica by its region; "" for one of AWS's.
  existing_replicas = {
    for key, table in data.aws_dynamodb_table.existing : key => {
      for replica in table.replica : replica.region_name => coalesce(replica.kms_key_arn, "-")
    }
  }
  planned_replicas = {
    for key in keys(data.aws_dynamodb_table.existing) : key => {
      for region, replica in local.tables[key].replicas : region => coalesce(replica.kms_key_arn, "-")
    }
  }

  # The regions by what the provider would do to their replicas. It removes before it makes.
  removed_replicas = { for key, old in local.existing_replicas : key => setsubtract(keys(old), keys(local.planned_replicas[key])) }
  added_replicas   = { for key, new in local.planned_replicas : key => setsubtract(keys(new), keys(local.existing_replicas[key])) }
  remade_replicas = {
    for key, old in local.existing_replicas : key => toset([
      for region, arn in local.planned_replicas[key] : region if contains(keys(old), region) && lookup(old, region, arn) != arn
    ])
  }

  # The table of rate limits has TTL, unless it is strongly consistent between regions.
  strong_before = [
    for key, table in data.aws_dynamodb_table.existing : key
    if key == "rate_limiting" && length(table.replica) > 0 && !anytrue([for ttl in table.ttl : ttl.enabled])
  ]

  # How warm each index is, by "table/index".
  existing_warmth = merge([
    for key, table in data.aws_dynamodb_table.existing : {
      for index in table.global_secondary_index : "${key}/${index.name}" => try(index.warm_throughput[0], null)
    }
  ]...)

  # Bounds that are there, in units a second, and are not wanted any more.
  lifted_bounds = {
    for key, table in data.aws_dynamodb_table.existing : key => [
      for direction in ["read", "write"] : direction
      if try(table.on_demand_throughput[0]["max_${direction}_request_units"] > 0, false) && try(local.tables[key].maximum[direction], null) == null
    ]
    if !local.provisioned
  }
}
