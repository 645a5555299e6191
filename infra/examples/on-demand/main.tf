# The least there is to say: an environment. Five tables, billed by request, encrypted with a key of
# AWS's, backed up, and protected from deletion.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.66, < 7.0"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

module "tables" {
  source = "../../modules/dynamodb"

  environment = "dev"

  # What a bug, or an attack, can cost at most: the limiter writes once for each request.
  on_demand_maximum_throughput = {
    rate_limiting = { write = 2000 }
  }

  # Queries that the module does not know.
  additional_indexes = {
    media_metadata = {
      "userId-size-index" = {
        hash_key           = { name = "userId" }
        range_key          = { name = "size", type = "N" }
        projection         = "INCLUDE"
        non_key_attributes = ["filename", "mimeType"]
      }
    }
  }

  tags = {
    Owner = "platform"
  }
}

# What the application's role may do: nothing but what the library does.
resource "aws_iam_policy" "limiter" {
  name   = "quikapp-dev-limiter"
  policy = module.tables.limiter_policy_json
}

resource "aws_iam_policy" "session_store" {
  name   = "quikapp-dev-session-store"
  policy = module.tables.session_store_policy_json
}

output "table_names" {
  description = "The names of the tables, by key."
  value       = module.tables.all_table_names
}
