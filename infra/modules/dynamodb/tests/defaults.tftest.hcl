# What an environment's name alone makes. Nothing is called: the provider is mocked, its schema not.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "us-east-1" }
  }
  # What is mocked is otherwise a random text, and a policy's must be JSON.
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  environment = "dev"
}

run "five_tables_by_their_names" {
  command = plan

  assert {
    condition = output.all_table_names == {
      media_metadata = "quikapp-dev-media-metadata"
      user_sessions  = "quikapp-dev-user-sessions"
      notifications  = "quikapp-dev-notifications"
      conversations  = "quikapp-dev-conversations"
      rate_limiting  = "quikapp-dev-rate-limits"
    }
    error_message = "The tables are not the five, by their names."
  }
}

run "safe_unless_told_otherwise" {
  command = plan

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.deletion_protection_enabled])
    error_message = "A table is not protected from deletion."
  }
  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.point_in_time_recovery[0].enabled])
    error_message = "A table can't be restored."
  }
  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : !table.server_side_encryption[0].enabled])
    error_message = "Without a key of the caller's, AWS's own is to encrypt."
  }
}

run "billed_by_request_without_capacity" {
  command = plan

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.billing_mode == "PAY_PER_REQUEST"])
    error_message = "A table is not billed by request."
  }
  assert {
    condition     = length(aws_appautoscaling_target.this) == 0 && length(aws_appautoscaling_policy.this) == 0
    error_message = "Something is scaled that has no capacity."
  }
  assert {
    condition     = alltrue([for index in aws_dynamodb_global_secondary_index.this : length(index.provisioned_throughput) == 0])
    error_message = "An index has capacity."
  }
}

run "items_that_expire" {
  command = plan

  assert {
    condition     = toset([for key, table in aws_dynamodb_table.this : key if table.ttl[0].enabled]) == toset(["media_metadata", "user_sessions", "notifications", "rate_limiting"])
    error_message = "Other tables than these have TTL."
  }
  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.ttl[0].attribute_name == "expiresAt"])
    error_message = "TTL is not on expiresAt."
  }
}

run "media_metadata_that_stays" {
  command = plan

  variables {
    enable_media_metadata_ttl = false
  }

  assert {
    # A block that is left out would be no change: deletions would go on.
    condition     = length(aws_dynamodb_table.this["media_metadata"].ttl) == 1 && !aws_dynamodb_table.this["media_metadata"].ttl[0].enabled
    error_message = "The TTL of media metadata is not turned off."
  }
}

run "indexes_by_table" {
  command = plan

  assert {
    condition = toset(keys(aws_dynamodb_global_secondary_index.this)) == toset([
      "media_metadata/userId-createdAt-index",
      "user_sessions/ownerId-createdAt-index",
      "notifications/userId-unreadAt-index",
      "conversations/participant-updatedAt-index",
    ])
    error_message = "The indexes are not the four."
  }
  # As the source document writes them: "2024-01-15T10:30:00Z".
  assert {
    condition = alltrue([
      for name in ["media_metadata/userId-createdAt-index", "conversations/participant-updatedAt-index"] :
      aws_dynamodb_global_secondary_index.this[name].key_schema[1].attribute_type == "S"
    ])
    error_message = "An instant that is written as a text is a number in an index."
  }
  assert {
    condition     = aws_dynamodb_global_secondary_index.this["user_sessions/ownerId-createdAt-index"].projection[0].projection_type == "KEYS_ONLY"
    error_message = "A touch of a session must not be written to its index."
  }
}

run "tags_of_the_caller_come_last" {
  command = plan

  variables {
    tags = { Owner = "platform", Environment = "development" }
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.tags == tomap({ Name = table.name, Environment = "development", Owner = "platform" })])
    error_message = "The tags are not the module's and the caller's."
  }
}

run "null_for_what_is_not_made" {
  command = plan

  variables {
    create_media_metadata_table = false
    create_user_sessions_table  = false
    create_notifications_table  = false
    create_conversations_table  = false
    create_rate_limiting_table  = false
  }

  assert {
    condition     = length(output.all_table_names) == 0 && length(output.stream_arns) == 0
    error_message = "A table is made."
  }
  assert {
    condition = alltrue([
      for each in [
        output.media_metadata_table_name, output.media_metadata_table_arn, output.media_metadata_stream_arn,
        output.user_sessions_table_name, output.user_sessions_table_arn, output.user_sessions_stream_arn,
        output.notifications_table_name, output.notifications_table_arn, output.notifications_stream_arn,
        output.conversations_table_name, output.conversations_table_arn, output.conversations_stream_arn,
        output.rate_limiting_table_name, output.rate_limiting_table_arn, output.rate_limiting_stream_arn,
        output.single_table_name, output.single_table_arn, output.single_stream_arn,
        output.limiter_policy_json, output.limiter_operator_policy_json,
        output.session_store_policy_json, output.session_operator_policy_json,
      ] : each == null
    ])
    error_message = "An output of a table that is not made is not null."
  }
  assert {
    condition     = length(aws_dynamodb_global_secondary_index.this) == 0 && length(aws_cloudwatch_metric_alarm.throttles) == 0
    error_message = "Something is made without a table."
  }
}

run "a_single_table_beside_them" {
  command = plan

  variables {
    create_single_table = true
  }

  assert {
    condition     = output.single_table_name == "quikapp-dev-app-data"
    error_message = "The single table has another name."
  }
  assert {
    condition     = aws_dynamodb_table.this["single"].hash_key == "PK" && aws_dynamodb_table.this["single"].range_key == "SK"
    error_message = "The single table has other keys than PK and SK."
  }
}

run "a_key_of_the_callers" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000-0000-0000-000000000000"
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.server_side_encryption[0].enabled && table.server_side_encryption[0].kms_key_arn == var.kms_key_arn])
    error_message = "A table is not encrypted with the key."
  }
}

run "storage_classes_by_table" {
  command = plan

  variables {
    table_classes = { media_metadata = "STANDARD_INFREQUENT_ACCESS" }
  }

  assert {
    condition     = { for key, table in aws_dynamodb_table.this : key => table.table_class if table.table_class != "STANDARD" } == { media_metadata = "STANDARD_INFREQUENT_ACCESS" }
    error_message = "Another table than media metadata has another class."
  }
}

run "a_bound_on_demand" {
  command = plan

  variables {
    on_demand_maximum_throughput = { conversations = { write = 500 } }
  }

  assert {
    condition     = aws_dynamodb_table.this["conversations"].on_demand_throughput[0].max_write_request_units == 500 && aws_dynamodb_table.this["conversations"].on_demand_throughput[0].max_read_request_units == -1
    error_message = "The table is not bound as it should be."
  }
  assert {
    condition     = aws_dynamodb_global_secondary_index.this["conversations/participant-updatedAt-index"].on_demand_throughput[0].max_write_request_units == 500
    error_message = "Its index is not bound."
  }
  assert {
    condition     = length(aws_dynamodb_table.this["notifications"].on_demand_throughput) == 0
    error_message = "Another table is bound."
  }
}

run "additional_indexes" {
  command = plan

  variables {
    additional_indexes = {
      media_metadata = {
        "type-size-index" = {
          hash_key           = { name = "type" }
          range_key          = { name = "size", type = "N" }
          projection         = "INCLUDE"
          non_key_attributes = ["filename", "s3Key"]
        }
        "s3Key-index" = {
          hash_key   = { name = "s3Key" }
          projection = "KEYS_ONLY"
        }
      }
    }
  }

  assert {
    condition     = aws_dynamodb_global_secondary_index.this["media_metadata/type-size-index"].projection[0].non_key_attributes == toset(["filename", "s3Key"])
    error_message = "The attributes are not projected."
  }
  assert {
    condition = [for key in aws_dynamodb_global_secondary_index.this["media_metadata/type-size-index"].key_schema : "${key.attribute_name} ${key.attribute_type} ${key.key_type}"] == [
      "type S HASH", "size N RANGE",
    ]
    error_message = "The index is not keyed by type and size."
  }
  assert {
    condition     = length(aws_dynamodb_global_secondary_index.this["media_metadata/s3Key-index"].key_schema) == 1
    error_message = "An index without a range has one."
  }
}
