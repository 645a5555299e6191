# Capacity, and what holds it.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "us-east-1" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  environment    = "dev"
  billing_mode   = "PROVISIONED"
  read_capacity  = 10
  write_capacity = 20
  additional_indexes = {
    conversations = {
      "by-sender" = {
        hash_key       = { name = "senderId" }
        write_capacity = 300
      }
    }
  }
}

run "tables_and_indexes_begin_with_their_capacity" {
  command = plan

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.read_capacity == 10 && table.write_capacity == 20])
    error_message = "A table has other capacity."
  }
  assert {
    condition = {
      for id, index in aws_dynamodb_global_secondary_index.this :
      id => [index.provisioned_throughput[0].read_capacity_units, index.provisioned_throughput[0].write_capacity_units]
      } == {
      "media_metadata/userId-createdAt-index"     = [10, 20]
      "user_sessions/ownerId-createdAt-index"     = [10, 20]
      "notifications/userId-unreadAt-index"       = [10, 20]
      "conversations/participant-updatedAt-index" = [10, 20]
      "conversations/by-sender"                   = [10, 300]
    }
    error_message = "An index has other capacity."
  }
}

run "each_table_and_index_is_scaled_both_ways" {
  command = plan

  variables {
    autoscaling_max_read_capacity  = 100
    autoscaling_max_write_capacity = 200
    autoscaling_target_utilization = 60
  }

  # Five tables and five indexes, reads and writes.
  assert {
    condition     = length(aws_appautoscaling_target.this) == 20 && length(aws_appautoscaling_policy.this) == 20
    error_message = "Not everything is scaled."
  }
  assert {
    condition = (
      aws_appautoscaling_target.this["rate_limiting/Write"].resource_id == "table/quikapp-dev-rate-limits"
      && aws_appautoscaling_target.this["rate_limiting/Write"].scalable_dimension == "dynamodb:table:WriteCapacityUnits"
      && aws_appautoscaling_target.this["rate_limiting/Write"].min_capacity == 20
      && aws_appautoscaling_target.this["rate_limiting/Write"].max_capacity == 200
    )
    error_message = "The writes of rate limits are not scaled from 20 to 200."
  }
  assert {
    condition = (
      aws_appautoscaling_target.this["notifications/userId-unreadAt-index/Read"].resource_id == "table/quikapp-dev-notifications/index/userId-unreadAt-index"
      && aws_appautoscaling_target.this["notifications/userId-unreadAt-index/Read"].scalable_dimension == "dynamodb:index:ReadCapacityUnits"
      && aws_appautoscaling_target.this["notifications/userId-unreadAt-index/Read"].max_capacity == 100
    )
    error_message = "The reads of the unread index are not scaled to 100."
  }
  assert {
    condition     = aws_appautoscaling_target.this["conversations/by-sender/Write"].max_capacity == 300
    error_message = "An index must not be scaled to less than its own capacity."
  }
  assert {
    condition = alltrue([
      for policy in aws_appautoscaling_policy.this :
      policy.policy_type == "TargetTrackingScaling" && policy.target_tracking_scaling_policy_configuration[0].target_value == 60
    ])
    error_message = "A policy does not aim at 60 percent."
  }
  assert {
    condition     = aws_appautoscaling_policy.this["rate_limiting/Read"].target_tracking_scaling_policy_configuration[0].predefined_metric_specification[0].predefined_metric_type == "DynamoDBReadCapacityUtilization"
    error_message = "Reads are scaled by another metric."
  }
}

run "fixed_capacity_is_held_between_equal_bounds" {
  command = plan

  variables {
    enable_autoscaling = false
  }

  assert {
    condition     = length(aws_appautoscaling_policy.this) == 0
    error_message = "A policy moves capacity that is to be fixed."
  }
  assert {
    condition     = length(aws_appautoscaling_target.this) == 20 && alltrue([for target in aws_appautoscaling_target.this : target.min_capacity == target.max_capacity])
    error_message = "A target lets capacity move."
  }
  assert {
    condition     = aws_appautoscaling_target.this["conversations/by-sender/Write"].min_capacity == 300
    error_message = "An index is not held at its own capacity."
  }
}
