data "aws_region" "current" {}

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_119:The key is the caller's choice by kms_key_arn; without one AWS encrypts with a key of its own.
  #checkov:skip=CKV_AWS_28:Point-in-time recovery is on unless the caller turns it off, which a check warns of in production.
  #checkov:skip=CKV2_AWS_16:Autoscaling is in autoscaling.tf, for PROVISIONED mode; PAY_PER_REQUEST, the default, needs none.
  for_each = local.tables

  name      = each.value.name
  hash_key  = each.value.hash_key.name
  range_key = try(each.value.range_key.name, null)

  billing_mode   = var.billing_mode
  read_capacity  = local.provisioned ? var.read_capacity : null
  write_capacity = local.provisioned ? var.write_capacity : null
  table_class    = each.value.class

  deletion_protection_enabled = each.value.deletion_protection
  stream_enabled              = each.value.streamed
  # The provider refuses a view type for a stream that is off.
  stream_view_type = each.value.streamed ? var.stream_view_type : null

  restore_source_name      = try(each.value.restore.source_table_name, null)
  restore_source_table_arn = try(each.value.restore.source_table_arn, null)
  restore_date_time        = try(each.value.restore.date_time, null)
  restore_to_latest_time   = each.value.restore == null ? null : each.value.restore.date_time == null

  # Only the table's own keys: what its indexes are keyed by is declared with them.
  dynamic "attribute" {
    for_each = each.value.attributes
    content {
      name = attribute.key
      type = attribute.value
    }
  }

  # Written when off too: a block that is left out is no change, and items go on being deleted.
  ttl {
    attribute_name = local.ttl_attribute
    enabled        = each.value.ttl
  }

  dynamic "on_demand_throughput" {
    for_each = each.value.maximum == null ? [] : [each.value.maximum]
    content {
      # -1 is DynamoDB's word for no bound.
      max_read_request_units  = coalesce(on_demand_throughput.value.read, -1)
      max_write_request_units = coalesce(on_demand_throughput.value.write, -1)
    }
  }

  dynamic "warm_throughput" {
    for_each = each.value.warm == null ? [] : [each.value.warm]
    content {
      read_units_per_second  = warm_throughput.value.read
      write_units_per_second = warm_throughput.value.write
    }
  }

  # The days are written when they are the most, too: without them, those before would stay.
  point_in_time_recovery {
    enabled                 = each.value.point_in_time_recovery
    recovery_period_in_days = each.value.point_in_time_recovery ? coalesce(var.point_in_time_recovery_days, 35) : null
  }

  # Written when off too: taking a key away must take it away.
  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }

  dynamic "replica" {
    for_each = each.value.replicas
    content {
      region_name      = replica.key
      kms_key_arn      = replica.value.kms_key_arn
      consistency_mode = replica.value.consistency_mode
      # A replica inherits none of these.
      point_in_time_recovery      = each.value.point_in_time_recovery
      deletion_protection_enabled = each.value.deletion_protection
      propagate_tags              = true
    }
  }

  dynamic "global_table_witness" {
    for_each = each.value.witness_region == null ? [] : [each.value.witness_region]
    content {
      region_name = global_table_witness.value
    }
  }

  dynamic "import_table" {
    for_each = each.value.import == null ? [] : [each.value.import]
    content {
      input_format           = import_table.value.format
      input_compression_type = import_table.value.compression

      s3_bucket_source {
        bucket       = import_table.value.bucket
        bucket_owner = import_table.value.bucket_owner
        key_prefix   = import_table.value.key_prefix
      }
    }
  }

  tags = merge({ Name = each.value.name, Environment = var.environment }, var.tags)

  lifecycle {
    ignore_changes = [
      # Capacity is Application Auto Scaling's from the first day on, also while it is fixed: see
      # autoscaling.tf. This list can't depend on a variable, and a second resource for tables that
      # are scaled would mean deleting a table to scale it.
      read_capacity,
      write_capacity,
      # Where a table came from matters once. Some of these would make it anew when they are
      # taken away again.
      import_table,
      restore_date_time,
      restore_source_name,
      restore_source_table_arn,
      restore_to_latest_time,
    ]

    precondition {
      condition     = !contains(concat(keys(each.value.replicas), compact([each.value.witness_region])), data.aws_region.current.region)
      error_message = "A replica, or the witness, of ${each.value.name} would be in ${data.aws_region.current.region}, where the table is: replica_region, and the regions of strongly_consistent_rate_limits, must be others."
    }

    precondition {
      condition = !contains(local.regions, data.aws_region.current.region) || anytrue([
        for regions in values(local.partitions) : length(setsubtract(concat([data.aws_region.current.region], keys(each.value.replicas)), regions)) == 0
      ])
      error_message = "${each.value.name} can't be replicated from ${data.aws_region.current.region} to ${join(", ", keys(each.value.replicas))}, which is in another partition of AWS."
    }

    precondition {
      condition     = var.kms_key_arn == null || try(split(":", var.kms_key_arn)[3], "") == data.aws_region.current.region
      error_message = "kms_key_arn is a key of another region than the tables are in: they can't be encrypted with it."
    }

    precondition {
      condition = each.value.witness_region == null && !each.value.strong || anytrue([
        for regions in local.strong_region_sets :
        length(setsubtract(concat([data.aws_region.current.region], keys(each.value.replicas), compact([each.value.witness_region])), regions)) == 0
      ])
      error_message = "strongly_consistent_rate_limits needs the region of the tables, its replicas and its witness in one set of regions: ${join("; ", [for regions in local.strong_region_sets : join(", ", regions)])}."
    }

    # What follows looks at the table as it is before the plan: see existing.tf.

    precondition {
      condition     = !contains(local.replicated_keys, each.key) || !each.value.from_elsewhere || contains(keys(data.aws_dynamodb_table.existing), each.key)
      error_message = "${each.value.name} would be made from restore_tables or import_tables and replicated at once, and AWS makes such a table without the stream that replication reads. Make it first, with replicated = false in its table_settings, apply twice, and replicate it then."
    }

    precondition {
      condition     = !each.value.strong || !each.value.from_elsewhere || contains(keys(data.aws_dynamodb_table.existing), each.key)
      error_message = "${each.value.name} can't have strongly_consistent_rate_limits and come from restore_tables or import_tables: AWS makes only an empty table strongly consistent between regions."
    }

    precondition {
      condition     = !local.provisioned || try(data.aws_dynamodb_table.existing[each.key].billing_mode != "PAY_PER_REQUEST", true)
      error_message = "${each.value.name} is billed by request. An apply would leave it at 1 unit until its scalable targets are made, and AWS refuses it for a table with indexes. First run ${path.module}/scripts/switch-to-provisioned.sh ${var.read_capacity} ${var.write_capacity} ${each.value.name}, with as many units as it uses now, then plan again: see Capacity in the README."
    }

    precondition {
      condition     = length(try(local.lifted_bounds[each.key], [])) == 0
      error_message = "${each.value.name} has an on_demand_maximum_throughput (${join(" and ", try(local.lifted_bounds[each.key], []))}) that would be taken away. AWS refuses the empty request which that sends, and the provider fails on indexes. First run ${path.module}/scripts/lift-maximum-throughput.sh ${each.value.name}, then plan again."
    }

    precondition {
      condition     = each.value.streamed || !try(data.aws_dynamodb_table.existing[each.key].stream_enabled, false) || length(try(local.removed_replicas[each.key], [])) == 0
      error_message = "${each.value.name} has a replica, and AWS refuses to turn its stream off before the replica is gone. Set enable_streams = true in the apply that removes the replica, and turn it off in the next."
    }

    precondition {
      condition     = length(try(setunion(local.removed_replicas[each.key], local.remade_replicas[each.key]), [])) == 0 || !try(data.aws_dynamodb_table.existing[each.key].deletion_protection_enabled, false)
      error_message = "${each.value.name} has a replica that would be deleted (${join(", ", try(setunion(local.removed_replicas[each.key], local.remade_replicas[each.key]), []))}), and AWS refuses to delete one that is protected. First apply with the deletion protection of the table off, by table_settings, and nothing else changed."
    }

    precondition {
      condition     = length(try(local.remade_replicas[each.key], [])) == 0 && (length(try(local.removed_replicas[each.key], [])) == 0 || length(try(local.added_replicas[each.key], [])) == 0)
      error_message = "${each.value.name} would lose its replica (${join(", ", try(setunion(local.removed_replicas[each.key], local.remade_replicas[each.key]), []))}) before it has another: the provider removes first, and a key can't be changed. Remove the replica in one apply, with enable_global_tables = false and enable_streams = true, when nothing uses it any more; make the new one in the next."
    }

    precondition {
      condition     = !contains(keys(data.aws_dynamodb_table.existing), each.key) || (each.value.strong ? length(try(setunion(local.removed_replicas[each.key], local.added_replicas[each.key]), [])) == 0 : !contains(local.strong_before, each.key))
      error_message = "${each.value.name} is there already, and multi-region strong consistency is chosen when a table is made: it is neither added, changed nor taken away. Take another name_prefix for a new table of rate limits, or drop this one first: see Dropping a table in the README."
    }

    precondition {
      condition = alltrue([
        for pair in try([
          [each.value.warm.read, data.aws_dynamodb_table.existing[each.key].warm_throughput[0].read_units_per_second],
          [each.value.warm.write, data.aws_dynamodb_table.existing[each.key].warm_throughput[0].write_units_per_second],
        ], []) : try(pair[0] >= pair[1], true)
      ])
      error_message = "${each.value.name} is warmer than warm_throughput says, which can be raised and never lowered: the table would be made anew. Take its entry away: it stays as warm as it is."
    }

    precondition {
      condition     = !each.value.streamed || !try(data.aws_dynamodb_table.existing[each.key].stream_enabled, false) || try(data.aws_dynamodb_table.existing[each.key].stream_view_type, null) == var.stream_view_type
      error_message = "${each.value.name} has a stream of another stream_view_type, which can't be changed: the stream would be replaced, what is written meanwhile would be in none, and triggers would begin at their starting_position again. Take its stream_triggers away when they have caught up, and apply; turn its stream off by table_settings, and apply; then turn it on with the new type, and its triggers with starting_position TRIM_HORIZON."
    }
  }
}

check "production_can_be_restored" {
  assert {
    condition     = !startswith(var.environment, "prod") || alltrue([for table in local.tables : table.point_in_time_recovery])
    error_message = "Production without point-in-time recovery: what is overwritten or deleted by mistake is lost."
  }
}

check "production_is_protected_from_deletion" {
  assert {
    condition     = !startswith(var.environment, "prod") || alltrue([for table in local.tables : table.deletion_protection])
    error_message = "Production without deletion protection: a table that leaves the configuration is deleted."
  }
}

check "rate_limits_are_exact" {
  assert {
    condition     = !contains(local.replicated_keys, "rate_limiting")
    error_message = "The table of rate limits is replicated: between regions the last writer wins, so limits admit more than they say."
  }
}

check "rate_limits_expire" {
  assert {
    condition     = !anytrue([for table in local.tables : table.strong])
    error_message = "The table of rate limits is strongly consistent between regions, and has no TTL then: items of keys that are never seen again stay, and cost storage, until something deletes them."
  }
}
