# In PROVISIONED mode, Application Auto Scaling holds the capacity of every table and index between
# a least and a most, always: without enable_autoscaling the two are the same number, and no policy
# moves it. It brings a capacity that is outside the two inside when they are set, so what a
# variable says becomes true either way. That is why turning autoscaling on or off changes two
# numbers and some policies, and never a table.

locals {
  scaled = merge(
    {
      for key in local.created_keys : key => {
        resource = "table/${aws_dynamodb_table.this[key].name}"
        kind     = "table"
        least    = { Read = var.read_capacity, Write = var.write_capacity }
      }
      if local.provisioned
    },
    {
      for id, index in local.indexes : id => {
        resource = "table/${aws_dynamodb_table.this[index.table].name}/index/${aws_dynamodb_global_secondary_index.this[id].index_name}"
        kind     = "index"
        least    = { Read = index.read_capacity, Write = index.write_capacity }
      }
      if local.provisioned
    },
  )

  autoscaling_most = {
    Read  = var.autoscaling_max_read_capacity
    Write = var.autoscaling_max_write_capacity
  }

  # By "table/Read" and "table/index/Read".
  capacities = merge([
    for id, each in local.scaled : {
      for direction, least in each.least : "${id}/${direction}" => {
        resource  = each.resource
        dimension = "dynamodb:${each.kind}:${direction}CapacityUnits"
        metric    = "DynamoDB${direction}CapacityUtilization"
        least     = least
        # An index may have more of its own than the most that is meant for all.
        most = var.enable_autoscaling ? max(least, local.autoscaling_most[direction]) : least
      }
    }
  ]...)
}

resource "aws_appautoscaling_target" "this" {
  for_each = local.capacities

  service_namespace  = "dynamodb"
  resource_id        = each.value.resource
  scalable_dimension = each.value.dimension
  min_capacity       = each.value.least
  max_capacity       = each.value.most
  tags               = merge({ Environment = var.environment }, var.tags)
}

resource "aws_appautoscaling_policy" "this" {
  for_each = { for id, capacity in local.capacities : id => capacity if var.enable_autoscaling }

  name               = "${each.value.metric}:${each.value.resource}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[each.key].service_namespace
  resource_id        = aws_appautoscaling_target.this[each.key].resource_id
  scalable_dimension = aws_appautoscaling_target.this[each.key].scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value = var.autoscaling_target_utilization

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
    }
  }
}
