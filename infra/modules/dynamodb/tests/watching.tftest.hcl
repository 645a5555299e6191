# Alarms, contributor insights, and the warnings about production.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "us-east-1" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  environment = "prod"
}

run "throttles_of_each_table_and_index" {
  command = plan

  variables {
    alarm_actions            = ["arn:aws:sns:us-east-1:123456789012:on-call"]
    throttle_alarm_threshold = 25
  }

  # Five tables and four indexes, reads and writes.
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.throttles) == 18
    error_message = "Something may be throttled unnoticed."
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.throttles["rate_limiting/Write"].metric_name == "WriteThrottleEvents"
      && aws_cloudwatch_metric_alarm.throttles["rate_limiting/Write"].dimensions == tomap({ TableName = "quikapp-prod-rate-limits" })
      && aws_cloudwatch_metric_alarm.throttles["rate_limiting/Write"].threshold == 25
    )
    error_message = "The alarm looks at another metric."
  }
  assert {
    condition = aws_cloudwatch_metric_alarm.throttles["notifications/userId-unreadAt-index/Read"].dimensions == tomap({
      TableName                = "quikapp-prod-notifications"
      GlobalSecondaryIndexName = "userId-unreadAt-index"
    })
    error_message = "The alarm of an index looks at another."
  }
  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.throttles), values(aws_cloudwatch_metric_alarm.system_errors)) :
      alarm.alarm_actions == toset(var.alarm_actions) && alarm.ok_actions == toset(var.alarm_actions) && alarm.treat_missing_data == "notBreaching"
    ])
    error_message = "An alarm tells nobody, or goes off for want of requests."
  }
}

run "hot_keys_told_from_hot_tables" {
  command = plan

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.key_range_throttles) == keys(aws_cloudwatch_metric_alarm.throttles)
    error_message = "A hot key looks like a hot table."
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.key_range_throttles["rate_limiting/Write"].metric_name == "WriteKeyRangeThroughputThrottleEvents"
      && aws_cloudwatch_metric_alarm.key_range_throttles["rate_limiting/Write"].dimensions == tomap({ TableName = "quikapp-prod-rate-limits" })
    )
    error_message = "The alarm looks at another metric."
  }
}

run "a_dashboard" {
  command = plan

  variables {
    enable_dashboard           = true
    contributor_insights_rules = { rate_limiting = ["DynamoDBContributorInsights-PKC-quikapp-prod-rate-limits-1700000000000", "DynamoDBContributorInsights-PKT-quikapp-prod-rate-limits-1700000000000"] }
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this["tables"].dashboard_body).widgets) == 5 * 3 + 2
    error_message = "A table has no capacity, throttles or latency there, or the hot keys are missing."
  }
  assert {
    condition = length([
      for widget in jsondecode(aws_cloudwatch_dashboard.this["tables"].dashboard_body).widgets :
      widget if try(widget.properties.insightRule.ruleName, null) == "DynamoDBContributorInsights-PKC-quikapp-prod-rate-limits-1700000000000"
    ]) == 1
    error_message = "The hot keys are not shown."
  }
  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this["tables"].dashboard_body).widgets :
      widget.x + widget.width <= 24 && widget.properties.region == "us-east-1"
    ])
    error_message = "A widget is beside the dashboard, or shows another region."
  }
}

run "a_dashboard_of_many_rules" {
  command = plan

  variables {
    enable_dashboard           = true
    contributor_insights_rules = { rate_limiting = [for number in range(30) : "DynamoDBContributorInsights-PKC-${number}"] }
  }

  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.this["tables"].dashboard_body).widgets : widget.width >= 4 && widget.x + widget.width <= 24])
    error_message = "A widget is too narrow, or beside the dashboard."
  }

  assert {
    condition     = length(distinct([for widget in jsondecode(aws_cloudwatch_dashboard.this["tables"].dashboard_body).widgets : "${widget.x} ${widget.y}"])) == 45
    error_message = "Two widgets of the dashboard are in one place."
  }
}

run "no_dashboard_unless_wanted" {
  command = plan

  assert {
    condition     = length(aws_cloudwatch_dashboard.this) == 0
    error_message = "A dashboard is made, and paid for."
  }
}

run "errors_of_dynamodb_itself" {
  command = plan

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.system_errors) == 5
    error_message = "A table has no alarm."
  }
  # CloudWatch adds up ten metrics at most.
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.system_errors : length([for query in alarm.metric_query : query if length(query.metric) == 1]) == 10])
    error_message = "An alarm adds up too many operations, or too few."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.system_errors : length([for query in alarm.metric_query : query if query.return_data == true]) == 1])
    error_message = "An alarm has no sum to look at."
  }
}

run "no_alarms" {
  command = plan

  variables {
    enable_alarms = false
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.throttles) + length(aws_cloudwatch_metric_alarm.system_errors) + length(aws_cloudwatch_metric_alarm.replication_latency) == 0
    error_message = "An alarm is made."
  }
}

run "contributor_insights_of_each_table_and_index" {
  command = plan

  variables {
    contributor_insights_mode = "THROTTLED_KEYS"
  }

  assert {
    condition     = length(aws_dynamodb_contributor_insights.this) == 9 && alltrue([for insights in aws_dynamodb_contributor_insights.this : insights.mode == "THROTTLED_KEYS"])
    error_message = "The keys of a table or an index are not counted."
  }
}

run "no_contributor_insights_unless_wanted" {
  command = plan

  assert {
    condition     = length(aws_dynamodb_contributor_insights.this) == 0
    error_message = "Keys are counted, and paid for."
  }
}

run "production_that_can_not_be_restored" {
  command = plan

  variables {
    enable_point_in_time_recovery = false
  }

  expect_failures = [check.production_can_be_restored]
}

run "production_that_can_be_deleted" {
  command = plan

  variables {
    enable_deletion_protection = false
  }

  expect_failures = [check.production_is_protected_from_deletion]
}

run "development_may_be_both" {
  command = plan

  variables {
    environment                   = "dev"
    enable_point_in_time_recovery = false
    enable_deletion_protection    = false
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : !table.deletion_protection_enabled && !table.point_in_time_recovery[0].enabled])
    error_message = "A table is kept against the caller's will."
  }
}

run "a_replica_in_the_same_region" {
  command = plan

  variables {
    enable_global_tables = true
    replica_region       = "us-east-1"
  }

  expect_failures = [aws_dynamodb_table.this]
}

run "a_key_in_another_region" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d"
  }

  expect_failures = [aws_dynamodb_table.this]
}
