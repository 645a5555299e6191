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

run "an_unknown_view_of_changes" {
  command = plan

  variables {
    stream_view_type = "NEW"
  }

  expect_failures = [var.stream_view_type]
}

run "replication_without_both_images" {
  command = plan

  variables {
    enable_global_tables = true
    replica_region       = "eu-west-1"
    stream_view_type     = "NEW_IMAGE"
  }

  expect_failures = [var.stream_view_type]
}

run "a_trigger_without_a_stream" {
  command = plan

  variables {
    stream_triggers = {
      one = {
        table        = "notifications"
        function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "a_trigger_of_a_table_that_is_not_made" {
  command = plan

  variables {
    enable_streams             = true
    create_notifications_table = false
    stream_triggers = {
      one = {
        table        = "notifications"
        function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "a_trigger_by_a_functions_name" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table        = "notifications"
        function_arn = "unread-counter"
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "a_position_that_streams_do_not_have" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table             = "notifications"
        function_arn      = "arn:aws:lambda:us-east-1:123456789012:function:f"
        starting_position = "AT_TIMESTAMP"
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "a_batch_of_nothing" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table        = "notifications"
        function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
        batch_size   = 0
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "a_window_of_an_hour" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table                              = "notifications"
        function_arn                       = "arn:aws:lambda:us-east-1:123456789012:function:f"
        maximum_batching_window_in_seconds = 3600
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "eleven_batches_at_once" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table                  = "notifications"
        function_arn           = "arn:aws:lambda:us-east-1:123456789012:function:f"
        parallelization_factor = 11
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "a_pattern_that_is_no_json" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table           = "notifications"
        function_arn    = "arn:aws:lambda:us-east-1:123456789012:function:f"
        filter_patterns = ["INSERT"]
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "six_patterns" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table           = "notifications"
        function_arn    = "arn:aws:lambda:us-east-1:123456789012:function:f"
        filter_patterns = [for number in range(6) : "{\"eventName\":[\"${number}\"]}"]
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "too_many_tries" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table                  = "notifications"
        function_arn           = "arn:aws:lambda:us-east-1:123456789012:function:f"
        maximum_retry_attempts = 10001
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "records_that_are_too_old_at_once" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table                         = "notifications"
        function_arn                  = "arn:aws:lambda:us-east-1:123456789012:function:f"
        maximum_record_age_in_seconds = 30
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "a_destination_that_takes_no_failures" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table                   = "notifications"
        function_arn            = "arn:aws:lambda:us-east-1:123456789012:function:f"
        failure_destination_arn = "arn:aws:lambda:us-east-1:123456789012:function:g"
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "three_readers_of_a_stream" {
  command = plan

  variables {
    enable_streams  = true
    stream_triggers = { for number in range(3) : "reader-${number}" => { table = "notifications", function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f" } }
  }

  expect_failures = [var.stream_triggers]
}

run "two_readers_of_a_replicated_tables_stream" {
  command = plan

  variables {
    enable_global_tables = true
    replica_region       = "eu-west-1"
    stream_triggers      = { for number in range(2) : "reader-${number}" => { table = "notifications", function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f" } }
  }

  expect_failures = [var.stream_triggers]
}

run "a_trigger_that_is_null" {
  command = plan

  variables {
    enable_streams  = true
    stream_triggers = { one = null }
  }

  expect_failures = [var.stream_triggers]
}

run "a_trigger_with_a_name_of_two_words" {
  command = plan

  variables {
    enable_streams  = true
    stream_triggers = { "push it" = { table = "notifications", function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f" } }
  }

  expect_failures = [var.stream_triggers]
}

run "half_a_second_of_a_window" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table                              = "notifications"
        function_arn                       = "arn:aws:lambda:us-east-1:123456789012:function:f"
        maximum_batching_window_in_seconds = 0.5
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "a_tumbling_window_of_an_hour" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table                      = "notifications"
        function_arn               = "arn:aws:lambda:us-east-1:123456789012:function:f"
        tumbling_window_in_seconds = 3600
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "half_a_try" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table                  = "notifications"
        function_arn           = "arn:aws:lambda:us-east-1:123456789012:function:f"
        maximum_retry_attempts = 1.5
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "half_a_second_of_age" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table                         = "notifications"
        function_arn                  = "arn:aws:lambda:us-east-1:123456789012:function:f"
        maximum_record_age_in_seconds = 60.5
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "failures_to_a_fifo_queue" {
  command = plan

  variables {
    enable_streams = true
    stream_triggers = {
      one = {
        table                   = "notifications"
        function_arn            = "arn:aws:lambda:us-east-1:123456789012:function:f"
        failure_destination_arn = "arn:aws:sqs:us-east-1:123456789012:failures.fifo"
      }
    }
  }

  expect_failures = [var.stream_triggers]
}

run "a_function_in_another_region" {
  command = plan

  variables {
    enable_streams  = true
    stream_triggers = { one = { table = "notifications", function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:f" } }
  }

  expect_failures = [aws_lambda_event_source_mapping.this["one"]]
}
