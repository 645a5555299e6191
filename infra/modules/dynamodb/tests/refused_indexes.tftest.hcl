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

run "an_index_of_an_unknown_table" {
  command = plan

  variables {
    additional_indexes = { media = { by-type = { hash_key = { name = "type" } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "an_index_with_a_space_in_its_name" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { "by type" = { hash_key = { name = "type" } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "an_index_that_there_is" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { userId-createdAt-index = { hash_key = { name = "userId" } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "an_unknown_projection" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { by-type = { hash_key = { name = "type" }, projection = "SOME" } } }
  }

  expect_failures = [var.additional_indexes]
}

run "an_inclusion_of_nothing" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { by-type = { hash_key = { name = "type" }, projection = "INCLUDE" } } }
  }

  expect_failures = [var.additional_indexes]
}

run "attributes_that_are_not_projected" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { by-type = { hash_key = { name = "type" }, non_key_attributes = ["size"] } } }
  }

  expect_failures = [var.additional_indexes]
}

run "a_key_of_an_unknown_type" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { by-type = { hash_key = { name = "type", type = "BOOL" } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "a_key_with_another_type_than_the_tables" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { by-time = { hash_key = { name = "createdAt", type = "N" } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "two_indexes_that_differ_about_a_type" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { by-size = { hash_key = { name = "size" } }, by-type = { hash_key = { name = "type" }, range_key = { name = "size", type = "N" } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "an_index_without_capacity" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { by-type = { hash_key = { name = "type" }, read_capacity = 0 } } }
  }

  expect_failures = [var.additional_indexes]
}

run "more_indexes_than_a_table_can_have" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { for number in range(20) : "by-${number}" => { hash_key = { name = "type" } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "a_table_of_indexes_that_is_null" {
  command = plan

  variables {
    additional_indexes = { media_metadata = null }
  }

  expect_failures = [var.additional_indexes]
}

run "an_index_that_is_null" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { "by-x" = null } }
  }

  expect_failures = [var.additional_indexes]
}

run "an_index_without_a_hash_key" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { "by-x" = { hash_key = null } } }
  }

  expect_failures = [var.additional_indexes]
}

run "a_key_without_a_name" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { "by-x" = { hash_key = { name = "" } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "a_key_with_a_name_of_256_bytes" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { "by-x" = { hash_key = { name = join("", [for each in range(128) : "é"]) } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "a_range_that_is_the_hash" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { "by-x" = { hash_key = { name = "x" }, range_key = { name = "x" } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "a_projected_attribute_without_a_name" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { "by-x" = { hash_key = { name = "x" }, projection = "INCLUDE", non_key_attributes = [""] } } }
  }

  expect_failures = [var.additional_indexes]
}

run "an_attribute_projected_twice" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { "by-x" = { hash_key = { name = "x" }, projection = "INCLUDE", non_key_attributes = ["y", "y"] } } }
  }

  expect_failures = [var.additional_indexes]
}

run "more_than_a_hundred_projected_attributes" {
  command = plan

  variables {
    additional_indexes = {
      media_metadata = {
        for index in range(6) : "by-x-${index}" => {
          hash_key           = { name = "x" }
          projection         = "INCLUDE"
          non_key_attributes = [for each in range(20) : "a${index}-${each}"]
        }
      }
    }
  }

  expect_failures = [var.additional_indexes]
}

run "an_alarm_with_a_name_that_is_too_long" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { (join("", [for each in range(200) : "i"])) = { hash_key = { name = "x" } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "a_policy_with_a_name_that_is_too_long" {
  command = plan

  variables {
    billing_mode       = "PROVISIONED"
    enable_alarms      = false
    additional_indexes = { media_metadata = { (join("", [for each in range(190) : "i"])) = { hash_key = { name = "x" } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "an_index_that_is_half_a_unit_warm" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { "by-x" = { hash_key = { name = "x" }, warm_throughput = { read = 12000.5 } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "an_index_on_the_ttl_as_a_text" {
  command = plan

  variables {
    additional_indexes = { media_metadata = { by-it = { hash_key = { name = "expiresAt", type = "S" } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "an_index_on_a_number_of_the_limiter_as_a_text" {
  command = plan

  variables {
    additional_indexes = { rate_limiting = { by-it = { hash_key = { name = "writes", type = "S" } } } }
  }

  expect_failures = [var.additional_indexes]
}

run "an_index_on_a_number_of_sessions_as_a_text" {
  command = plan

  variables {
    additional_indexes = { user_sessions = { by-it = { hash_key = { name = "lastSeenAt", type = "S" } } } }
  }

  expect_failures = [var.additional_indexes]
}
