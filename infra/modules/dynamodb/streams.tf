resource "aws_lambda_event_source_mapping" "this" {
  for_each = var.stream_triggers

  event_source_arn  = aws_dynamodb_table.this[each.value.table].stream_arn
  function_name     = each.value.function_arn
  starting_position = each.value.starting_position

  batch_size                         = each.value.batch_size
  maximum_batching_window_in_seconds = each.value.maximum_batching_window_in_seconds
  parallelization_factor             = each.value.parallelization_factor
  tumbling_window_in_seconds         = each.value.tumbling_window_in_seconds
  # The function tells which records it failed on, and only those are sent again.
  function_response_types = each.value.report_batch_item_failures ? ["ReportBatchItemFailures"] : []

  # One bad record must not hold up a shard until it expires, a day later: the batch is halved
  # around it, and it is given up after so many tries.
  bisect_batch_on_function_error = true
  maximum_retry_attempts         = each.value.maximum_retry_attempts
  maximum_record_age_in_seconds  = each.value.maximum_record_age_in_seconds

  # A record that matches any one pattern is delivered; without a pattern, all are.
  dynamic "filter_criteria" {
    for_each = length(each.value.filter_patterns) == 0 ? [] : [each.value.filter_patterns]
    content {
      dynamic "filter" {
        for_each = toset(filter_criteria.value)
        content {
          pattern = filter.value
        }
      }
    }
  }

  dynamic "destination_config" {
    for_each = each.value.failure_destination_arn == null ? [] : [each.value.failure_destination_arn]
    content {
      on_failure {
        destination_arn = destination_config.value
      }
    }
  }

  tags = merge({ Name = each.key, Environment = var.environment }, var.tags)

  lifecycle {
    precondition {
      condition     = split(":", each.value.function_arn)[3] == data.aws_region.current.region
      error_message = "The function_arn of stream_triggers ${each.key} is a function of another region than the tables are in: Lambda reads the streams of its own region only."
    }
  }
}
