locals {
  # What can throttle: each table and each index, which has capacity of its own.
  throttled = merge(
    { for key in local.created_keys : key => { TableName = aws_dynamodb_table.this[key].name } },
    {
      for id, index in local.indexes : id => {
        TableName                = aws_dynamodb_table.this[index.table].name
        GlobalSecondaryIndexName = aws_dynamodb_global_secondary_index.this[id].index_name
      }
    },
  )

  # By "table/Read" and "table/index/Read".
  throttles = merge([
    for id, dimensions in local.throttled : {
      for direction in ["Read", "Write"] : "${id}/${direction}" => {
        metric     = "${direction}ThrottleEvents"
        dimensions = dimensions
        subject    = join("/", compact([dimensions.TableName, lookup(dimensions, "GlobalSecondaryIndexName", "")]))
      }
    }
    if var.enable_alarms
  ]...)

  # SystemErrors is counted by operation only. An alarm adds up ten metrics at most, and these are
  # the operations on items.
  operations = [
    "BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem",
    "Query", "Scan", "TransactGetItems", "TransactWriteItems", "UpdateItem",
  ]
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  for_each = local.throttles

  alarm_name        = "${each.value.subject} ${each.value.metric}"
  alarm_description = "Requests to ${each.value.subject} are throttled."

  namespace           = "AWS/DynamoDB"
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.throttle_alarm_threshold
  # Without throttles there is no metric.
  treat_missing_data = "notBreaching"

  alarm_actions = var.alarm_actions
  ok_actions    = var.alarm_actions
  tags          = merge({ Environment = var.environment }, var.tags)
}

resource "aws_cloudwatch_metric_alarm" "system_errors" {
  for_each = { for key in local.created_keys : key => aws_dynamodb_table.this[key].name if var.enable_alarms }

  alarm_name        = "${each.value} SystemErrors"
  alarm_description = "DynamoDB answers requests to ${each.value} with errors of its own (HTTP 5xx)."

  dynamic "metric_query" {
    for_each = local.operations
    content {
      # An id begins with a lower-case letter.
      id = "errors_${metric_query.value}"
      metric {
        namespace   = "AWS/DynamoDB"
        metric_name = "SystemErrors"
        dimensions  = { TableName = each.value, Operation = metric_query.value }
        stat        = "Sum"
        period      = 60
      }
    }
  }

  metric_query {
    id          = "errors"
    expression  = "SUM(METRICS())"
    label       = "SystemErrors"
    return_data = true
  }

  evaluation_periods  = 5
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"

  alarm_actions = var.alarm_actions
  ok_actions    = var.alarm_actions
  tags          = merge({ Environment = var.environment }, var.tags)
}

resource "aws_cloudwatch_metric_alarm" "replication_latency" {
  for_each = { for key in local.replicated_keys : key => aws_dynamodb_table.this[key].name if var.enable_alarms }

  alarm_name        = "${each.value} ReplicationLatency"
  alarm_description = "Changes to ${each.value} are late in ${var.replica_region}."

  namespace           = "AWS/DynamoDB"
  metric_name         = "ReplicationLatency"
  dimensions          = { TableName = each.value, ReceivingRegion = var.replica_region }
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.replication_latency_alarm_threshold_ms
  # A table that nothing is written to has no latency.
  treat_missing_data = "notBreaching"

  alarm_actions = var.alarm_actions
  ok_actions    = var.alarm_actions
  tags          = merge({ Environment = var.environment }, var.tags)
}

# Which keys are hot: by table and index, and by key.
resource "aws_dynamodb_contributor_insights" "this" {
  for_each = merge(
    { for key in local.created_keys : key => { table = key, index = null } if var.contributor_insights_mode != null },
    {
      for id, index in local.indexes : id => { table = index.table, index = aws_dynamodb_global_secondary_index.this[id].index_name }
      if var.contributor_insights_mode != null
    },
  )

  table_name = aws_dynamodb_table.this[each.value.table].name
  index_name = each.value.index
  mode       = var.contributor_insights_mode
}
