# Two regions, each with a key of its own. Rate limits stay in one: see the module's README.

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

resource "aws_kms_key" "primary" {
  description         = "The tables of quikapp-prod"
  enable_key_rotation = true
}

resource "aws_kms_key" "replica" {
  region              = "eu-west-1"
  description         = "The replicas of the tables of quikapp-prod"
  enable_key_rotation = true
}

# CloudWatch may not use alias/aws/sns, so alarms would never arrive: the topic has a key that lets
# it, for alarms of this account.
data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "on_call_key" {
  statement {
    sid       = "Account"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }

  statement {
    sid       = "Alarms"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_kms_key" "on_call" {
  description         = "The alarms of quikapp-prod"
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.on_call_key.json
}

resource "aws_sns_topic" "on_call" {
  name              = "quikapp-prod-on-call"
  kms_master_key_id = aws_kms_key.on_call.arn
}

module "tables" {
  source = "../../modules/dynamodb"

  environment = "prod"
  kms_key_arn = aws_kms_key.primary.arn

  # Left on, it can stay on when the replicas go: see the module's README.
  enable_streams = true

  enable_global_tables = true
  replica_region       = "eu-west-1"
  replica_kms_key_arn  = aws_kms_key.replica.arn

  alarm_actions                          = [aws_sns_topic.on_call.arn]
  replication_latency_alarm_threshold_ms = 5000
}

output "table_names" {
  description = "The names of the tables, by key; those of the replicas are the same."
  value       = module.tables.all_table_names
}

output "stream_arns" {
  description = "The ARNs of the streams, by key: replication needs them, and they may be read."
  value       = module.tables.stream_arns
}
