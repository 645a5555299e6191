data "aws_region" "current" {}

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_119:The key is the caller's choice by kms_key_arn; without one AWS encrypts with a key of its own.
  #checkov:skip=CKV2_AWS_16:Autoscaling is in autoscaling.tf, for PROVISIONED mode; PAY_PER_REQUEST, the default, needs none.
  for_each = local.tables

  name      = each.value.name
  hash_key  = each.value.hash_key.name
  range_key = try(each.value.range_key.name, null)

  billing_mode   = var.billing_mode
  read_capacity  = local.provisioned ? var.read_capacity : null
  write_capacity = local.provisioned ? var.write_capacity : null
  table_class    = each.value.class

  deletion_protection_enabled = var.enable_deletion_protection
  stream_enabled              = each.value.streamed
  # The provider refuses a view type for a stream that is off.
  stream_view_type = each.value.streamed ? var.stream_view_type : null

  # Only the table's own keys: what its indexes are keyed by is declared with them.
  dynamic "attribute" {
    for_each = each.value.attributes
    content {
      name = attribute.key
      type = attribute.value
    }
  }

  dynamic "ttl" {
    for_each = each.value.ttl ? [local.ttl_attribute] : []
    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  dynamic "on_demand_throughput" {
    for_each = each.value.maximum == null ? [] : [each.value.maximum]
    content {
      # -1 is DynamoDB's word for no bound.
      max_read_request_units  = coalesce(on_demand_throughput.value.read, -1)
      max_write_request_units = coalesce(on_demand_throughput.value.write, -1)
    }
  }

  point_in_time_recovery {
    enabled = var.enable_point_in_time_recovery
  }

  # Written when off too: taking a key away must take it away.
  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }

  dynamic "replica" {
    for_each = each.value.replicated ? [var.replica_region] : []
    content {
      region_name = replica.value
      kms_key_arn = var.replica_kms_key_arn
      # A replica inherits none of these.
      point_in_time_recovery      = var.enable_point_in_time_recovery
      deletion_protection_enabled = var.enable_deletion_protection
      propagate_tags              = true
    }
  }

  tags = merge({ Name = each.value.name, Environment = var.environment }, var.tags)

  lifecycle {
    # Capacity is Application Auto Scaling's from the first day on, also while it is fixed: see
    # autoscaling.tf. This list can't depend on a variable, and a second resource for tables that
    # are scaled would mean deleting a table to scale it.
    ignore_changes = [read_capacity, write_capacity]

    precondition {
      condition     = !each.value.replicated || var.replica_region != data.aws_region.current.region
      error_message = "replica_region is the region that the tables are in: it must be another."
    }

    precondition {
      condition     = var.kms_key_arn == null || try(split(":", var.kms_key_arn)[3], "") == data.aws_region.current.region
      error_message = "kms_key_arn is a key of another region than the tables are in: they can't be encrypted with it."
    }
  }
}

check "production_can_be_restored" {
  assert {
    condition     = !startswith(var.environment, "prod") || var.enable_point_in_time_recovery
    error_message = "Production without point-in-time recovery: what is overwritten or deleted by mistake is lost."
  }
}

check "production_is_protected_from_deletion" {
  assert {
    condition     = !startswith(var.environment, "prod") || var.enable_deletion_protection
    error_message = "Production without deletion protection: a table that leaves the configuration is deleted."
  }
}

check "rate_limits_are_exact" {
  assert {
    condition     = !var.replicate_rate_limits
    error_message = "The table of rate limits is replicated: between regions the last writer wins, so limits admit more than they say."
  }
}
