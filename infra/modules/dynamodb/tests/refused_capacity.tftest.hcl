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

run "an_unknown_billing_mode" {
  command = plan

  variables {
    billing_mode = "ON_DEMAND"
  }

  expect_failures = [var.billing_mode]
}

run "no_read_capacity" {
  command = plan

  variables {
    read_capacity = 0
  }

  expect_failures = [var.read_capacity]
}

run "half_a_unit_of_write_capacity" {
  command = plan

  variables {
    write_capacity = 1.5
  }

  expect_failures = [var.write_capacity]
}

run "a_most_below_the_least_of_reads" {
  command = plan

  variables {
    billing_mode                  = "PROVISIONED"
    read_capacity                 = 50
    autoscaling_max_read_capacity = 49
  }

  expect_failures = [var.autoscaling_max_read_capacity]
}

run "a_most_below_the_least_of_writes" {
  command = plan

  variables {
    billing_mode                   = "PROVISIONED"
    write_capacity                 = 50
    autoscaling_max_write_capacity = 49
  }

  expect_failures = [var.autoscaling_max_write_capacity]
}

run "a_target_that_leaves_no_room" {
  command = plan

  variables {
    autoscaling_target_utilization = 95
  }

  expect_failures = [var.autoscaling_target_utilization]
}

run "a_bound_for_an_unknown_table" {
  command = plan

  variables {
    on_demand_maximum_throughput = { sessions = { read = 100 } }
  }

  expect_failures = [var.on_demand_maximum_throughput]
}

run "a_bound_of_zero" {
  command = plan

  variables {
    on_demand_maximum_throughput = { user_sessions = { read = 0 } }
  }

  expect_failures = [var.on_demand_maximum_throughput]
}

run "a_bound_on_what_is_provisioned" {
  command = plan

  variables {
    billing_mode                 = "PROVISIONED"
    on_demand_maximum_throughput = { user_sessions = { read = 100 } }
  }

  expect_failures = [var.on_demand_maximum_throughput]
}

run "a_class_for_an_unknown_table" {
  command = plan

  variables {
    table_classes = { media = "STANDARD" }
  }

  expect_failures = [var.table_classes]
}

run "an_unknown_class" {
  command = plan

  variables {
    table_classes = { media_metadata = "GLACIER" }
  }

  expect_failures = [var.table_classes]
}

run "half_a_unit_of_the_most_of_reads" {
  command = plan

  variables {
    autoscaling_max_read_capacity = 100.5
  }

  expect_failures = [var.autoscaling_max_read_capacity]
}

run "half_a_unit_of_the_most_of_writes" {
  command = plan

  variables {
    autoscaling_max_write_capacity = 100.5
  }

  expect_failures = [var.autoscaling_max_write_capacity]
}

run "no_bound_at_all" {
  command = plan

  variables {
    on_demand_maximum_throughput = { user_sessions = null }
  }

  expect_failures = [var.on_demand_maximum_throughput]
}

run "warmth_for_an_unknown_table" {
  command = plan

  variables {
    warm_throughput = { sessions = { read = 20000 } }
  }

  expect_failures = [var.warm_throughput]
}

run "no_warmth_at_all" {
  command = plan

  variables {
    warm_throughput = { user_sessions = null }
  }

  expect_failures = [var.warm_throughput]
}

run "warmth_that_each_table_has" {
  command = plan

  variables {
    warm_throughput = { user_sessions = { write = 3999 } }
  }

  expect_failures = [var.warm_throughput]
}
