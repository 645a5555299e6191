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

run "an_action_by_its_name" {
  command = plan

  variables {
    alarm_actions = ["on-call"]
  }

  expect_failures = [var.alarm_actions]
}

run "six_actions" {
  command = plan

  variables {
    alarm_actions = [for number in range(6) : "arn:aws:sns:us-east-1:123456789012:on-call-${number}"]
  }

  expect_failures = [var.alarm_actions]
}

run "an_alarm_that_is_never_over" {
  command = plan

  variables {
    throttle_alarm_threshold = 0
  }

  expect_failures = [var.throttle_alarm_threshold]
}

run "an_alarm_for_every_replication" {
  command = plan

  variables {
    replication_latency_alarm_threshold_ms = 500
  }

  expect_failures = [var.replication_latency_alarm_threshold_ms]
}

run "an_unknown_insight" {
  command = plan

  variables {
    contributor_insights_mode = "ALL_KEYS"
  }

  expect_failures = [var.contributor_insights_mode]
}

run "half_an_event" {
  command = plan

  variables {
    throttle_alarm_threshold = 1.5
  }

  expect_failures = [var.throttle_alarm_threshold]
}

run "an_age_that_no_record_reaches" {
  command = plan

  variables {
    iterator_age_alarm_threshold_ms = 86400000
  }

  expect_failures = [var.iterator_age_alarm_threshold_ms]
}

run "rules_of_an_unknown_table" {
  command = plan

  variables {
    contributor_insights_rules = { sessions = [] }
  }

  expect_failures = [var.contributor_insights_rules]
}

run "a_rule_of_another_service" {
  command = plan

  variables {
    contributor_insights_rules = { user_sessions = ["keys"] }
  }

  expect_failures = [var.contributor_insights_rules]
}

run "a_topic_in_another_region" {
  command = plan

  variables {
    alarm_actions = ["arn:aws:sns:eu-west-1:123456789012:on-call"]
  }

  expect_failures = [aws_cloudwatch_metric_alarm.system_errors]
}
