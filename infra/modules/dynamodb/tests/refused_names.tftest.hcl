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

run "an_environment_with_capitals" {
  command = plan

  variables {
    environment = "Prod"
  }

  expect_failures = [var.environment]
}

run "a_prefix_with_a_space" {
  command = plan

  variables {
    name_prefix = "quik app"
  }

  expect_failures = [var.name_prefix]
}

run "a_tag_that_is_awss" {
  command = plan

  variables {
    tags = { "aws:owner" = "platform" }
  }

  expect_failures = [var.tags]
}

run "a_tag_that_is_too_long" {
  command = plan

  variables {
    tags = { Owner = join("", [for _ in range(257) : "x"]) }
  }

  expect_failures = [var.tags]
}

run "too_many_tags" {
  command = plan

  variables {
    tags = { for number in range(49) : "tag-${number}" => "x" }
  }

  expect_failures = [var.tags]
}

run "an_alias_for_a_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/tables"
  }

  expect_failures = [var.kms_key_arn]
}

run "a_tag_that_is_an_exclamation" {
  command = plan

  variables {
    tags = { Owner = "platform!" }
  }

  expect_failures = [var.tags]
}
