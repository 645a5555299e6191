# Bad input, refused with a sentence before anything is made: a case for each validation.

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

run "replicas_of_provisioned_tables" {
  command = plan

  variables {
    enable_global_tables = true
    replica_region       = "eu-west-1"
    billing_mode         = "PROVISIONED"
  }

  expect_failures = [var.enable_global_tables]
}

run "replicas_nowhere" {
  command = plan

  variables {
    enable_global_tables = true
  }

  expect_failures = [var.replica_region]
}

run "a_region_that_is_a_zone" {
  command = plan

  variables {
    enable_global_tables = true
    replica_region       = "eu-west-1a"
  }

  expect_failures = [var.replica_region]
}

run "an_alias_for_a_replicas_key" {
  command = plan

  variables {
    kms_key_arn          = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d"
    enable_global_tables = true
    replica_region       = "eu-west-1"
    replica_kms_key_arn  = "arn:aws:kms:eu-west-1:123456789012:alias/tables"
  }

  expect_failures = [var.replica_kms_key_arn]
}

run "a_replicas_key_in_another_region" {
  command = plan

  variables {
    kms_key_arn          = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d"
    enable_global_tables = true
    replica_region       = "eu-west-1"
    replica_kms_key_arn  = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d"
  }

  expect_failures = [var.replica_kms_key_arn]
}

run "a_key_for_the_table_alone" {
  command = plan

  variables {
    kms_key_arn          = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d"
    enable_global_tables = true
    replica_region       = "eu-west-1"
  }

  expect_failures = [var.replica_kms_key_arn]
}

run "replicated_rate_limits_alone" {
  command = plan

  variables {
    replicate_rate_limits = true
  }

  expect_failures = [var.replicate_rate_limits]
}

run "a_region_that_there_is_not" {
  command = plan

  variables {
    enable_global_tables = true
    replica_region       = "eu-west-9"
  }

  expect_failures = [var.replica_region]
}

run "three_strong_replicas" {
  command = plan

  variables {
    strongly_consistent_rate_limits = { replica_regions = ["us-east-2", "us-west-2", "eu-west-1"] }
  }

  expect_failures = [var.strongly_consistent_rate_limits]
}

run "a_strong_replica_alone" {
  command = plan

  variables {
    strongly_consistent_rate_limits = { replica_regions = ["us-east-2"] }
  }

  expect_failures = [var.strongly_consistent_rate_limits]
}

run "a_witness_where_a_replica_is" {
  command = plan

  variables {
    strongly_consistent_rate_limits = { replica_regions = ["us-east-2"], witness_region = "us-east-2" }
  }

  expect_failures = [var.strongly_consistent_rate_limits]
}

run "strong_and_eventual_replicas" {
  command = plan

  variables {
    enable_global_tables            = true
    replica_region                  = "us-east-2"
    replicate_rate_limits           = true
    strongly_consistent_rate_limits = { replica_regions = ["us-east-2", "us-west-2"] }
  }

  expect_failures = [var.strongly_consistent_rate_limits]
}

run "strong_replicas_of_a_provisioned_table" {
  command = plan

  variables {
    billing_mode                    = "PROVISIONED"
    strongly_consistent_rate_limits = { replica_regions = ["us-east-2", "us-west-2"] }
  }

  expect_failures = [var.strongly_consistent_rate_limits]
}

run "strong_replicas_without_their_keys" {
  command = plan

  variables {
    kms_key_arn                     = "arn:aws:kms:us-east-1:123456789012:key/primary"
    strongly_consistent_rate_limits = { replica_regions = ["us-east-2", "us-west-2"] }
  }

  expect_failures = [var.strongly_consistent_rate_limits]
}

run "strong_replicas_in_two_sets_of_regions" {
  command = plan

  variables {
    strongly_consistent_rate_limits = { replica_regions = ["us-east-2", "eu-west-1"] }
  }

  expect_failures = [aws_dynamodb_table.this, check.rate_limits_expire]
}

run "a_strong_replica_in_the_same_region" {
  command = plan

  variables {
    strongly_consistent_rate_limits = { replica_regions = ["us-east-1", "us-west-2"] }
  }

  expect_failures = [aws_dynamodb_table.this, check.rate_limits_expire]
}

run "an_unknown_table_that_is_replicated" {
  command = plan

  variables {
    table_settings = { sessions = { replicated = true } }
  }

  expect_failures = [var.table_settings]
}

run "no_settings_at_all" {
  command = plan

  variables {
    table_settings = { user_sessions = null }
  }

  expect_failures = [var.table_settings]
}

run "rate_limits_replicated_by_a_setting" {
  command = plan

  variables {
    enable_global_tables = true
    replica_region       = "eu-west-1"
    table_settings       = { rate_limiting = { replicated = true } }
  }

  expect_failures = [var.table_settings]
}

run "one_table_replicated_without_global_tables" {
  command = plan

  variables {
    table_settings = { notifications = { replicated = true } }
  }

  expect_failures = [var.table_settings]
}

run "a_replicated_table_without_a_stream" {
  command = plan

  variables {
    enable_global_tables = true
    replica_region       = "eu-west-1"
    table_settings       = { notifications = { stream = false } }
  }

  expect_failures = [var.table_settings]
}

run "a_key_of_another_region_than_its_strong_replica" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/primary"
    strongly_consistent_rate_limits = {
      replica_regions = ["us-east-2", "us-west-2"]
      replica_kms_key_arns = {
        us-east-2 = "arn:aws:kms:us-east-2:123456789012:key/replica"
        us-west-2 = "arn:aws:kms:us-east-2:123456789012:key/replica"
      }
    }
  }

  expect_failures = [var.strongly_consistent_rate_limits]
}

run "a_witness_in_the_same_region" {
  command = plan

  variables {
    strongly_consistent_rate_limits = { replica_regions = ["us-east-2"], witness_region = "us-east-1" }
  }

  expect_failures = [aws_dynamodb_table.this, check.rate_limits_expire]
}

run "strong_replicas_of_a_table_that_has_items" {
  command = plan

  variables {
    strongly_consistent_rate_limits = { replica_regions = ["us-east-2", "us-west-2"] }
    restore_tables                  = { rate_limiting = { source_table_name = "quikapp-old-rate-limits" } }
  }

  expect_failures = [aws_dynamodb_table.this, check.rate_limits_expire]
}

run "a_replica_of_a_table_that_is_made_without_its_stream" {
  command = plan

  variables {
    enable_global_tables = true
    replica_region       = "eu-west-1"
    import_tables        = { notifications = { bucket = "exports" } }
  }

  expect_failures = [aws_dynamodb_table.this]
}

run "a_replica_in_another_partition" {
  command = plan

  variables {
    enable_global_tables = true
    replica_region       = "cn-north-1"
  }

  expect_failures = [aws_dynamodb_table.this]
}
