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

run "an_unknown_table_restored" {
  command = plan

  variables {
    restore_tables = { sessions = { source_table_name = "before" } }
  }

  expect_failures = [var.restore_tables]
}

run "a_restoration_that_is_null" {
  command = plan

  variables {
    restore_tables = { user_sessions = null }
  }

  expect_failures = [var.restore_tables]
}

run "a_restoration_from_nowhere" {
  command = plan

  variables {
    restore_tables = { user_sessions = {} }
  }

  expect_failures = [var.restore_tables]
}

run "a_restoration_to_a_day" {
  command = plan

  variables {
    restore_tables = { user_sessions = { source_table_name = "before", date_time = "2026-01-01" } }
  }

  expect_failures = [var.restore_tables]
}

run "a_restoration_from_itself" {
  command = plan

  variables {
    restore_tables = { user_sessions = { source_table_name = "quikapp-dev-user-sessions" } }
  }

  expect_failures = [var.restore_tables]
}

run "an_unknown_table_imported" {
  command = plan

  variables {
    import_tables = { sessions = { bucket = "exports" } }
  }

  expect_failures = [var.import_tables]
}

run "an_import_that_is_null" {
  command = plan

  variables {
    import_tables = { user_sessions = null }
  }

  expect_failures = [var.import_tables]
}

run "a_table_from_two_places" {
  command = plan

  variables {
    import_tables  = { user_sessions = { bucket = "exports" } }
    restore_tables = { user_sessions = { source_table_name = "before" } }
  }

  expect_failures = [var.import_tables]
}

run "an_import_of_parquet" {
  command = plan

  variables {
    import_tables = { user_sessions = { bucket = "exports", format = "PARQUET" } }
  }

  expect_failures = [var.import_tables]
}

run "an_import_from_an_address" {
  command = plan

  variables {
    import_tables = { user_sessions = { bucket = "s3://exports" } }
  }

  expect_failures = [var.import_tables]
}

run "no_day_to_go_back_to" {
  command = plan

  variables {
    point_in_time_recovery_days = 0
  }

  expect_failures = [var.point_in_time_recovery_days]
}

run "a_policy_of_an_unknown_table" {
  command = plan

  variables {
    resource_policies = { sessions = jsonencode({ Statement = [{ Effect = "Deny", Principal = "*", Action = "*", Resource = "*" }] }) }
  }

  expect_failures = [var.resource_policies]
}

run "a_policy_that_is_no_json" {
  command = plan

  variables {
    resource_policies = { user_sessions = "allow" }
  }

  expect_failures = [var.resource_policies]
}

run "a_dax_cluster_before_a_table_that_is_not_made" {
  command = plan

  variables {
    dax_tables = ["single"]
  }

  expect_failures = [var.dax_tables]
}

run "a_dax_cluster_before_rate_limits" {
  command = plan

  variables {
    dax_tables = ["rate_limiting"]
  }

  expect_failures = [var.dax_tables]
}

run "a_restoration_from_a_name_that_no_table_has" {
  command = plan

  variables {
    restore_tables = { notifications = { source_table_arn = "quikapp-prod-notifications" } }
  }

  expect_failures = [var.restore_tables]
}

run "an_import_from_an_owner_by_name" {
  command = plan

  variables {
    import_tables = { notifications = { bucket = "exports", bucket_owner = "platform" } }
  }

  expect_failures = [var.import_tables]
}

run "a_policy_without_a_statement" {
  command = plan

  variables {
    resource_policies = { notifications = jsonencode({ Version = "2012-10-17", Statement = null }) }
  }

  expect_failures = [var.resource_policies]
}

run "a_policy_with_no_statement" {
  command = plan

  variables {
    resource_policies = { notifications = jsonencode({ Version = "2012-10-17", Statement = [] }) }
  }

  expect_failures = [var.resource_policies]
}

run "a_policy_whose_statement_is_a_number" {
  command = plan

  variables {
    resource_policies = { notifications = jsonencode({ Statement = 5 }) }
  }

  expect_failures = [var.resource_policies]
}

run "a_policy_for_nobody" {
  command = plan

  variables {
    resource_policies = { notifications = jsonencode({ Statement = [{ Effect = "Allow", Action = "dynamodb:GetItem", Resource = "*" }] }) }
  }

  expect_failures = [var.resource_policies]
}

run "a_policy_without_an_action" {
  command = plan

  variables {
    resource_policies = { notifications = jsonencode({ Statement = { Effect = "Allow", Principal = "*", Resource = "*" } }) }
  }

  expect_failures = [var.resource_policies]
}

run "a_policy_with_an_unknown_effect" {
  command = plan

  variables {
    resource_policies = { notifications = jsonencode({ Statement = [{ Effect = "allow", Principal = "*", Action = "*", Resource = "*" }] }) }
  }

  expect_failures = [var.resource_policies]
}

run "a_policy_of_more_than_20_kb" {
  command = plan

  variables {
    resource_policies = { notifications = jsonencode({ Statement = [{ Effect = "Deny", Principal = "*", Action = "*", Resource = "*" }], Id = join("", [for part in range(1000) : "twenty-one characters"]) }) }
  }

  expect_failures = [var.resource_policies]
}

run "an_import_from_a_bucket_with_two_dots_together" {
  command = plan

  variables {
    import_tables = { notifications = { bucket = "exports..2026" } }
  }

  expect_failures = [var.import_tables]
}
