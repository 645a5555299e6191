# Streams, their readers, and replicas.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "us-east-1" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  environment = "dev"
}

run "no_streams_unless_wanted" {
  command = plan

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : !table.stream_enabled]) && length(output.stream_arns) == 0
    error_message = "A table has a stream."
  }
}

run "streams_of_all_tables" {
  # Applied, to the mock: a stream's ARN is known only afterwards.
  command = apply

  variables {
    # What is applied here is destroyed at the end.
    enable_deletion_protection = false
    enable_streams             = true
    stream_view_type           = "KEYS_ONLY"
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.stream_enabled && table.stream_view_type == "KEYS_ONLY"])
    error_message = "A table has no stream of keys."
  }
  assert {
    condition     = keys(output.stream_arns) == keys(output.all_table_names) && keys(output.stream_consumer_policy_jsons) == keys(output.all_table_names)
    error_message = "A stream has no ARN or no policy among the outputs."
  }
  assert {
    condition     = output.conversations_stream_arn == aws_dynamodb_table.this["conversations"].stream_arn
    error_message = "The ARN is another table's."
  }
}

run "a_function_called_with_changes" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      unread-counter = {
        table                      = "notifications"
        function_arn               = "arn:aws:lambda:us-east-1:123456789012:function:unread-counter"
        starting_position          = "TRIM_HORIZON"
        batch_size                 = 50
        tumbling_window_in_seconds = 60
        report_batch_item_failures = true
        filter_patterns            = ["{\"eventName\":[\"INSERT\"]}", "{\"eventName\":[\"REMOVE\"]}"]
        failure_destination_arn    = "arn:aws:sqs:us-east-1:123456789012:unread-counter-failures"
      }
      search = {
        table        = "conversations"
        function_arn = "arn:aws:lambda:us-east-1:123456789012:function:search:live"
      }
    }
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.this["unread-counter"].function_name == "arn:aws:lambda:us-east-1:123456789012:function:unread-counter"
      && aws_lambda_event_source_mapping.this["unread-counter"].starting_position == "TRIM_HORIZON"
      && aws_lambda_event_source_mapping.this["unread-counter"].batch_size == 50
      && aws_lambda_event_source_mapping.this["unread-counter"].tumbling_window_in_seconds == 60
      && aws_lambda_event_source_mapping.this["unread-counter"].function_response_types == toset(["ReportBatchItemFailures"])
      && length(aws_lambda_event_source_mapping.this["unread-counter"].filter_criteria[0].filter) == 2
      && aws_lambda_event_source_mapping.this["unread-counter"].destination_config[0].on_failure[0].destination_arn == "arn:aws:sqs:us-east-1:123456789012:unread-counter-failures"
    )
    error_message = "The trigger is not what was asked for."
  }
  assert {
    condition = (
      length(aws_lambda_event_source_mapping.this["search"].filter_criteria) == 0
      && length(aws_lambda_event_source_mapping.this["search"].destination_config) == 0
      && aws_lambda_event_source_mapping.this["search"].maximum_retry_attempts == 10
      && length(aws_lambda_event_source_mapping.this["search"].function_response_types) == 0
    )
    error_message = "A trigger without filters and a destination has one, or tries for ever."
  }
  assert {
    condition = (
      toset(keys(aws_cloudwatch_metric_alarm.iterator_age)) == toset(["unread-counter", "search"])
      && aws_cloudwatch_metric_alarm.iterator_age["search"].metric_name == "IteratorAge"
      && aws_cloudwatch_metric_alarm.iterator_age["search"].dimensions == tomap({ FunctionName = "search" })
    )
    error_message = "A function may fall behind its stream unnoticed."
  }
}

run "replicas_but_not_of_rate_limits" {
  command = plan

  variables {
    kms_key_arn          = "arn:aws:kms:us-east-1:123456789012:key/primary"
    enable_global_tables = true
    replica_region       = "eu-west-1"
    replica_kms_key_arn  = "arn:aws:kms:eu-west-1:123456789012:key/replica"
  }

  assert {
    condition     = toset([for key, table in aws_dynamodb_table.this : key if length(table.replica) == 1]) == toset(["media_metadata", "user_sessions", "notifications", "conversations"])
    error_message = "Other tables than these four have a replica."
  }
  assert {
    condition = alltrue(flatten([
      for table in aws_dynamodb_table.this : [
        for replica in table.replica :
        replica.region_name == "eu-west-1"
        && replica.kms_key_arn == var.replica_kms_key_arn
        && replica.point_in_time_recovery
        && replica.deletion_protection_enabled
        && replica.propagate_tags
      ]
    ]))
    error_message = "A replica is not as safe as its table."
  }
  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.stream_enabled == (length(table.replica) == 1)])
    error_message = "A table with a replica has no stream, or one without has."
  }
  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.replication_latency)) == toset([for key in ["media_metadata", "user_sessions", "notifications", "conversations"] : "${key}/eu-west-1"])
    error_message = "A replica may lag unnoticed."
  }
}

run "replicas_of_rate_limits_if_asked_for" {
  command = plan

  variables {
    enable_global_tables  = true
    replica_region        = "eu-west-1"
    replicate_rate_limits = true
  }

  expect_failures = [check.rate_limits_are_exact]
}

run "strongly_consistent_rate_limits" {
  command = plan

  variables {
    strongly_consistent_rate_limits = { replica_regions = ["us-east-2"], witness_region = "us-west-2" }
  }

  # DynamoDB has no TTL there, which a check tells at each plan.
  expect_failures = [check.rate_limits_expire]

  assert {
    condition     = [for replica in aws_dynamodb_table.this["rate_limiting"].replica : "${replica.region_name} ${replica.consistency_mode}"] == ["us-east-2 STRONG"]
    error_message = "The replica is another, or lags."
  }
  assert {
    condition     = aws_dynamodb_table.this["rate_limiting"].global_table_witness[0].region_name == "us-west-2"
    error_message = "There is no witness, or another."
  }
  assert {
    condition     = !aws_dynamodb_table.this["rate_limiting"].ttl[0].enabled
    error_message = "DynamoDB has no TTL for a table that is strongly consistent between regions."
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.replication_latency) == 0
    error_message = "There is an alarm for a lag that there is not."
  }
}
