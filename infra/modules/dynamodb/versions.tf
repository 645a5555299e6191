terraform {
  # 1.9 is the first where a variable's validation may look at other variables.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # From 6.44 an index is a resource of its own without being an experiment; the tests read the
      # schema of 6.69.
      version = ">= 6.66, < 7.0"
    }
  }
}
