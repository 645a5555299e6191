# Steady traffic: capacity is cheaper than requests, and follows them. enable_autoscaling may be set
# to false at any time; capacity is then held at the least, and no table is touched.

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

  environment = "prod"

  billing_mode                   = "PROVISIONED"
  read_capacity                  = 20
  write_capacity                 = 20
  enable_autoscaling             = true
  autoscaling_max_read_capacity  = 400
  autoscaling_max_write_capacity = 800
  autoscaling_target_utilization = 70

  # An index has capacity of its own.
  additional_indexes = {
    conversations = {
      "senderId-updatedAt-index" = {
        hash_key       = { name = "senderId" }
        range_key      = { name = "updatedAt" }
        projection     = "KEYS_ONLY"
        read_capacity  = 5
        write_capacity = 40
      }
    }
  }

  table_classes = {
    media_metadata = "STANDARD_INFREQUENT_ACCESS"
  }

  contributor_insights_mode = "THROTTLED_KEYS"
}

output "table_names" {
  description = "The names of the tables, by key."
  value       = module.tables.all_table_names
}
