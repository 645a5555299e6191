# What one table has otherwise than the rest, and where a new table's items come from.

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

run "what_one_table_has_otherwise" {
  command = plan

  variables {
    enable_global_tables        = true
    replica_region              = "eu-west-1"
    point_in_time_recovery_days = 7
    table_settings = {
      media_metadata = { replicated = false, point_in_time_recovery = false }
      notifications  = { deletion_protection = false }
      rate_limiting  = { stream = true }
    }
  }

  assert {
    condition     = [for key, table in aws_dynamodb_table.this : key if !table.point_in_time_recovery[0].enabled] == ["media_metadata"]
    error_message = "Backups are off for another table than media metadata."
  }
  assert {
    condition     = alltrue([for key, table in aws_dynamodb_table.this : key == "media_metadata" || table.point_in_time_recovery[0].recovery_period_in_days == 7])
    error_message = "A table can be restored to another span than 7 days."
  }
  assert {
    condition     = [for key, table in aws_dynamodb_table.this : key if !table.deletion_protection_enabled] == ["notifications"]
    error_message = "Another table than notifications is not protected."
  }
  assert {
    condition     = [for key, table in aws_dynamodb_table.this : key if length(table.replica) == 1] == ["conversations", "notifications", "user_sessions"]
    error_message = "Other tables than these three have a replica."
  }
  assert {
    condition     = [for key, table in aws_dynamodb_table.this : key if !table.stream_enabled] == ["media_metadata"]
    error_message = "Another table than media metadata has no stream."
  }
  assert {
    condition     = alltrue(flatten([for table in aws_dynamodb_table.this : [for replica in table.replica : replica.deletion_protection_enabled == table.deletion_protection_enabled]]))
    error_message = "A replica is protected as another table is."
  }
}

run "capacity_that_is_fixed_above_the_most" {
  command = plan

  variables {
    billing_mode       = "PROVISIONED"
    enable_autoscaling = false
    read_capacity      = 200
  }

  assert {
    condition     = alltrue([for id, target in aws_appautoscaling_target.this : endswith(id, "Write") || (target.min_capacity == 200 && target.max_capacity == 200)])
    error_message = "The most of autoscaling counts without autoscaling."
  }
}

run "a_hundred_projected_attributes" {
  command = plan

  variables {
    additional_indexes = {
      conversations = {
        "by-sender" = { hash_key = { name = "senderId" }, projection = "INCLUDE", non_key_attributes = [for each in range(60) : "a${each}"] }
        "by-kind"   = { hash_key = { name = "kind" }, projection = "INCLUDE", non_key_attributes = [for each in range(40) : "a${each}"] }
      }
    }
  }

  assert {
    condition     = length(aws_dynamodb_global_secondary_index.this["conversations/by-sender"].projection[0].non_key_attributes) == 60
    error_message = "An index projects something else."
  }
}

run "tables_that_are_warm" {
  command = plan

  variables {
    warm_throughput = { rate_limiting = { write = 20000 } }
    additional_indexes = {
      conversations = { "by-sender" = { hash_key = { name = "senderId" }, warm_throughput = { read = 15000, write = 5000 } } }
    }
  }

  assert {
    condition     = aws_dynamodb_table.this["rate_limiting"].warm_throughput[0].write_units_per_second == 20000
    error_message = "The table is not warm."
  }
  assert {
    condition     = aws_dynamodb_global_secondary_index.this["conversations/by-sender"].warm_throughput.read_units_per_second == 15000
    error_message = "The index is not warm."
  }
}

run "tables_with_items_from_elsewhere" {
  command = plan

  variables {
    restore_tables = {
      notifications  = { source_table_name = "quikapp-prod-notifications", date_time = "2026-01-15T10:30:00Z" }
      media_metadata = { source_table_arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/media" }
    }
    import_tables = { conversations = { bucket = "exports", key_prefix = "2026/", compression = "GZIP" } }
  }

  assert {
    condition = (
      aws_dynamodb_table.this["notifications"].restore_source_name == "quikapp-prod-notifications"
      && aws_dynamodb_table.this["notifications"].restore_date_time == "2026-01-15T10:30:00Z"
      && aws_dynamodb_table.this["notifications"].restore_to_latest_time == false
      && aws_dynamodb_table.this["media_metadata"].restore_to_latest_time
    )
    error_message = "A table is restored from another backup."
  }
  assert {
    condition = (
      aws_dynamodb_table.this["conversations"].import_table[0].input_format == "DYNAMODB_JSON"
      && aws_dynamodb_table.this["conversations"].import_table[0].s3_bucket_source[0].key_prefix == "2026/"
    )
    error_message = "The table is filled with something else."
  }
}

run "policies_of_the_tables_themselves" {
  command = plan

  variables {
    # One statement, without a list around it, is a policy too.
    resource_policies = { user_sessions = jsonencode({ Statement = { Effect = "Deny", Principal = "*", Action = "dynamodb:Scan", Resource = "*" } }) }
  }

  assert {
    condition     = keys(aws_dynamodb_resource_policy.this) == ["user_sessions"]
    error_message = "Another table than that of sessions has a policy."
  }
}

run "a_role_for_a_dax_cluster" {
  command = plan

  variables {
    dax_tables = ["media_metadata"]
  }

  assert {
    condition     = length(data.aws_iam_policy_document.dax) == 1 && length(data.aws_iam_policy_document.dax_trust) == 1
    error_message = "The cluster has no policy, or nobody to trust."
  }
}

run "what_is_just_within_bounds" {
  command = plan

  variables {
    # 50 tags, for two of these are the module's own.
    tags = merge({ Name = "tables", Environment = "development" }, { for number in range(48) : "tag-${number}" => "value" })
    # 255 bytes.
    additional_indexes = { notifications = { by-name = { hash_key = { name = "${join("", [for each in range(127) : "é"])}x" } } } }
    warm_throughput    = { notifications = {} }
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.tags["Name"] == "tables" && length(table.tags) == 50])
    error_message = "A table has other tags than are given."
  }

  assert {
    condition     = length(aws_dynamodb_table.this["notifications"].warm_throughput) == 0
    error_message = "A table is warmed that nothing is said of."
  }
}
