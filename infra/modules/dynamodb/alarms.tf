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
        metric           = "${direction}ThrottleEvents"
        key_range_metric = "${direction}KeyRangeThroughputThrottleEvents"
        dimensions       = dimensions
        subject          = join("/", compact([dimensions.TableName, lookup(dimensions, "GlobalSecondaryIndexName", "")]))
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

# Which of the two it is: a key, or a few that are neighbours, asks for more than one partition gives,
# while the table has capacity to spare. More capacity does not help then.
resource "aws_cloudwatch_metric_alarm" "key_range_throttles" {
  for_each = local.throttles

  alarm_name        = "${each.value.subject} ${each.value.key_range_metric}"
  alarm_description = "Requests to ${each.value.subject} are throttled at the ceiling of one partition: a key is hot. Without this alarm, throttles are of the whole."

  namespace           = "AWS/DynamoDB"
  metric_name         = each.value.key_range_metric
  dimensions          = each.value.dimensions
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.throttle_alarm_threshold
  treat_missing_data  = "notBreaching"

  alarm_actions = var.alarm_actions
  ok_actions    = var.alarm_actions
  tags          = merge({ Environment = var.environment }, var.tags)
}

# Each table has one, so the rule about alarm_actions, which all alarms have, is here.
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

  lifecycle {
    precondition {
      condition     = alltrue([for arn in var.alarm_actions : split(":", arn)[3] == data.aws_region.current.region])
      error_message = "alarm_actions has an ARN of another region than the tables are in (${data.aws_region.current.region}): an alarm tells only what is in its own region."
    }
  }
}

# By "table/region". Strongly consistent replicas do not lag.
resource "aws_cloudwatch_metric_alarm" "replication_latency" {
  for_each = merge([
    for key in local.replicated_keys : {
      for region in keys(local.tables[key].replicas) : "${key}/${region}" => { name = aws_dynamodb_table.this[key].name, region = region }
    }
    if var.enable_alarms
  ]...)

  alarm_name        = "${each.value.name} ReplicationLatency"
  alarm_description = "Changes to ${each.value.name} are late in ${each.value.region}."

  namespace           = "AWS/DynamoDB"
  metric_name         = "ReplicationLatency"
  dimensions          = { TableName = each.value.name, ReceivingRegion = each.value.region }
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

# A stream keeps a record for a day. What its function does not reach by then is lost, in silence.
resource "aws_cloudwatch_metric_alarm" "iterator_age" {
  for_each = { for name, trigger in var.stream_triggers : name => trigger if var.enable_alarms }

  alarm_name        = "${local.name_start} ${each.key} IteratorAge"
  alarm_description = "The function of the trigger ${each.key} is behind the stream of ${local.table_names[each.value.table]}."

  namespace           = "AWS/Lambda"
  metric_name         = "IteratorAge"
  dimensions          = { FunctionName = split(":", each.value.function_arn)[6] }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.iterator_age_alarm_threshold_ms
  # A function that is not called has no age.
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
