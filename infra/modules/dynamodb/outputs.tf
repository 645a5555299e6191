output "media_metadata_table_name" {
  description = "The name of the table of media metadata; null if it is not created."
  value       = try(aws_dynamodb_table.this["media_metadata"].name, null)
}

output "media_metadata_table_arn" {
  description = "The ARN of the table of media metadata; null if it is not created."
  value       = try(aws_dynamodb_table.this["media_metadata"].arn, null)
}

output "media_metadata_stream_arn" {
  description = "The ARN of the stream of the table of media metadata; null if there is none."
  value       = lookup(local.stream_arns, "media_metadata", null)
}

output "user_sessions_table_name" {
  description = "The name of the table of user sessions; null if it is not created."
  value       = try(aws_dynamodb_table.this["user_sessions"].name, null)
}

output "user_sessions_table_arn" {
  description = "The ARN of the table of user sessions; null if it is not created."
  value       = try(aws_dynamodb_table.this["user_sessions"].arn, null)
}

output "user_sessions_stream_arn" {
  description = "The ARN of the stream of the table of user sessions; null if there is none."
  value       = lookup(local.stream_arns, "user_sessions", null)
}

output "notifications_table_name" {
  description = "The name of the table of notifications; null if it is not created."
  value       = try(aws_dynamodb_table.this["notifications"].name, null)
}

output "notifications_table_arn" {
  description = "The ARN of the table of notifications; null if it is not created."
  value       = try(aws_dynamodb_table.this["notifications"].arn, null)
}

output "notifications_stream_arn" {
  description = "The ARN of the stream of the table of notifications; null if there is none."
  value       = lookup(local.stream_arns, "notifications", null)
}

output "conversations_table_name" {
  description = "The name of the table of conversations; null if it is not created."
  value       = try(aws_dynamodb_table.this["conversations"].name, null)
}

output "conversations_table_arn" {
  description = "The ARN of the table of conversations; null if it is not created."
  value       = try(aws_dynamodb_table.this["conversations"].arn, null)
}

output "conversations_stream_arn" {
  description = "The ARN of the stream of the table of conversations; null if there is none."
  value       = lookup(local.stream_arns, "conversations", null)
}

output "rate_limiting_table_name" {
  description = "The name of the table of rate limits; null if it is not created."
  value       = try(aws_dynamodb_table.this["rate_limiting"].name, null)
}

output "rate_limiting_table_arn" {
  description = "The ARN of the table of rate limits; null if it is not created."
  value       = try(aws_dynamodb_table.this["rate_limiting"].arn, null)
}

output "rate_limiting_stream_arn" {
  description = "The ARN of the stream of the table of rate limits; null if there is none."
  value       = lookup(local.stream_arns, "rate_limiting", null)
}

output "single_table_name" {
  description = "The name of the table of the single-table design; null if it is not created."
  value       = try(aws_dynamodb_table.this["single"].name, null)
}

output "single_table_arn" {
  description = "The ARN of the table of the single-table design; null if it is not created."
  value       = try(aws_dynamodb_table.this["single"].arn, null)
}

output "single_stream_arn" {
  description = "The ARN of the stream of the table of the single-table design; null if there is none."
  value       = lookup(local.stream_arns, "single", null)
}

output "all_table_names" {
  description = "The names of the created tables, by key: media_metadata, user_sessions, notifications, conversations, rate_limiting and single."
  value       = { for key, table in aws_dynamodb_table.this : key => table.name }
}

output "stream_arns" {
  description = "The ARNs of the streams, by the same keys."
  value       = local.stream_arns
}

output "limiter_policy_json" {
  description = "The IAM policy, as JSON, for processes that run a rate limiter; null if its table is not created."
  value       = try(data.aws_iam_policy_document.limiter["rate_limiting"].json, null)
}

output "limiter_operator_policy_json" {
  description = "The IAM policy, as JSON, for people who operate a rate limiter from the command line; null if its table is not created."
  value       = try(data.aws_iam_policy_document.limiter_operator["rate_limiting"].json, null)
}

output "session_store_policy_json" {
  description = "The IAM policy, as JSON, for processes that run a session store; null if its table is not created."
  value       = try(data.aws_iam_policy_document.session_store["user_sessions"].json, null)
}

output "session_operator_policy_json" {
  description = "The IAM policy, as JSON, for people who list and end sessions from the command line; null if their table is not created."
  value       = try(data.aws_iam_policy_document.session_operator["user_sessions"].json, null)
}

output "stream_consumer_policy_jsons" {
  description = "The IAM policies, as JSON, for processes that read a stream, by the same keys."
  value       = { for key, document in data.aws_iam_policy_document.stream_consumer : key => document.json }
}

output "dax_policy_json" {
  description = "The IAM policy, as JSON, for the role of a DAX cluster in front of dax_tables; null if there are none."
  value       = try(data.aws_iam_policy_document.dax["cluster"].json, null)
}

output "dax_trust_policy_json" {
  description = "The trust policy, as JSON, of that role; null if dax_tables is empty."
  value       = try(data.aws_iam_policy_document.dax_trust["cluster"].json, null)
}

output "dashboard_name" {
  description = "The name of the CloudWatch dashboard; null if it is not created."
  value       = try(aws_cloudwatch_dashboard.this["tables"].dashboard_name, null)
}

locals {
  stream_arns = { for key in local.streamed_keys : key => aws_dynamodb_table.this[key].stream_arn }
}
