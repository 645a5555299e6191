# Resources of their own, not blocks of the table: of a block, the capacity alone can't be ignored,
# so each apply would undo what autoscaling did.
resource "aws_dynamodb_global_secondary_index" "this" {
  for_each = local.indexes

  table_name = aws_dynamodb_table.this[each.value.table].name
  index_name = each.value.name

  dynamic "key_schema" {
    for_each = each.value.keys
    content {
      attribute_name = key_schema.value.name
      attribute_type = key_schema.value.type
      key_type       = key_schema.value.kind
    }
  }

  projection {
    projection_type    = each.value.projection
    non_key_attributes = each.value.projection == "INCLUDE" ? each.value.non_key_attributes : null
  }

  dynamic "provisioned_throughput" {
    for_each = local.provisioned ? [each.value] : []
    content {
      read_capacity_units  = provisioned_throughput.value.read_capacity
      write_capacity_units = provisioned_throughput.value.write_capacity
    }
  }

  # The provider takes both or neither. Of which nothing is said stays as it is, or as AWS makes it.
  warm_throughput = each.value.warm == null ? null : {
    read_units_per_second  = coalesce(each.value.warm.read, try(local.existing_warmth[each.key].read_units_per_second, 12000))
    write_units_per_second = coalesce(each.value.warm.write, try(local.existing_warmth[each.key].write_units_per_second, 4000))
  }

  dynamic "on_demand_throughput" {
    for_each = local.tables[each.value.table].maximum == null ? [] : [local.tables[each.value.table].maximum]
    content {
      # Not -1: DynamoDB does not tell of it afterwards, which is an error to this resource.
      max_read_request_units  = on_demand_throughput.value.read
      max_write_request_units = on_demand_throughput.value.write
    }
  }

  lifecycle {
    # Application Auto Scaling's, as the table's is.
    ignore_changes = [provisioned_throughput]

    precondition {
      condition = alltrue([
        for pair in try([
          [each.value.warm.read, local.existing_warmth[each.key].read_units_per_second],
          [each.value.warm.write, local.existing_warmth[each.key].write_units_per_second],
        ], []) : try(pair[0] >= pair[1], true)
      ])
      error_message = "The index ${each.value.name} of ${local.table_names[each.value.table]} is warmer than its warm_throughput says, which can be raised and never lowered: AWS would refuse it. Take it away: the index stays as warm as it is."
    }
  }
}
