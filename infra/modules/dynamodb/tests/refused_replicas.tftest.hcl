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

run "replicas_that_can_not_follow" {
  command = plan

  variables {
    enable_global_tables = true
    replica_region       = "eu-west-1"
    billing_mode         = "PROVISIONED"
    enable_autoscaling   = false
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
