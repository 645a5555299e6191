# A function that is called with new notifications, to push them. What it fails to process to the
# last is kept in a queue.

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

variable "function_package" {
  description = "The path of the function's package, a zip file with push.py in it."
  type        = string
  default     = "push.zip"
}

module "tables" {
  source = "../../modules/dynamodb"

  environment = "dev"

  enable_streams   = true
  stream_view_type = "NEW_IMAGE"

  stream_triggers = {
    push = {
      table                      = "notifications"
      function_arn               = aws_lambda_function.push.arn
      batch_size                 = 25
      report_batch_item_failures = true
      filter_patterns            = [jsonencode({ eventName = ["INSERT"] })]
      failure_destination_arn    = aws_sqs_queue.failures.arn
    }
  }
}

resource "aws_lambda_function" "push" {
  function_name = "quikapp-dev-push"
  role          = aws_iam_role.push.arn
  runtime       = "python3.13"
  handler       = "push.handler"
  filename      = var.function_package
  timeout       = 30

  # Lambda refuses a trigger whose function may not read the stream yet.
  depends_on = [aws_cloudwatch_log_group.push, aws_iam_role_policy.push]
}

resource "aws_iam_role" "push" {
  name = "quikapp-dev-push"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "push" {
  name   = "push"
  role   = aws_iam_role.push.id
  policy = data.aws_iam_policy_document.push.json
}

data "aws_iam_policy_document" "push" {
  source_policy_documents = [module.tables.stream_consumer_policy_jsons["notifications"]]

  statement {
    sid       = "Failures"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.failures.arn]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.push.arn}:*"]
  }
}

# Made here, so that the role needs no right to make it, and its logs do not stay for ever.
resource "aws_cloudwatch_log_group" "push" {
  name              = "/aws/lambda/quikapp-dev-push"
  retention_in_days = 30
}

resource "aws_sqs_queue" "failures" {
  name                      = "quikapp-dev-push-failures"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

output "failures_queue_arn" {
  description = "The ARN of the queue that holds what was not processed."
  value       = aws_sqs_queue.failures.arn
}
