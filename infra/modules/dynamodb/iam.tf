# Policies for the roles of applications: what the library calls, on the tables that it calls, and
# nothing else. A transaction needs no permission of its own, but those of the writes in it.

locals {
  # Its ARN in each region where a table is.
  table_arns = {
    for key, table in local.tables : key => concat(
      [aws_dynamodb_table.this[key].arn],
      table.replicated ? [replace(aws_dynamodb_table.this[key].arn, ":${data.aws_region.current.region}:", ":${var.replica_region}:")] : [],
    )
  }

  # The keys that encrypt a table, and the regions whose DynamoDB may be the one that uses them.
  key_arns = {
    for key, table in local.tables : key => var.kms_key_arn == null ? [] : concat([var.kms_key_arn], table.replicated ? [var.replica_kms_key_arn] : [])
  }
  services = {
    for key, table in local.tables : key => [
      for region in concat([data.aws_region.current.region], table.replicated ? [var.replica_region] : []) : "dynamodb.${region}.amazonaws.com"
    ]
  }
}

data "aws_iam_policy_document" "limiter" {
  for_each = { for key in local.created_keys : key => local.table_arns[key] if key == "rate_limiting" }

  statement {
    sid = "RateLimits"
    actions = [
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:UpdateItem",
    ]
    resources = each.value
  }

  dynamic "statement" {
    for_each = length(local.key_arns[each.key]) == 0 ? [] : [local.key_arns[each.key]]
    content {
      sid       = "KeyOfRateLimits"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = statement.value

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = local.services[each.key]
      }
    }
  }
}

data "aws_iam_policy_document" "session_store" {
  for_each = { for key in local.created_keys : key => local.table_arns[key] if key == "user_sessions" }

  statement {
    sid = "Sessions"
    actions = [
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:UpdateItem",
    ]
    resources = each.value
  }

  statement {
    sid       = "SessionsOfAnOwner"
    actions   = ["dynamodb:Query"]
    resources = [for arn in each.value : "${arn}/index/ownerId-createdAt-index"]
  }

  dynamic "statement" {
    for_each = length(local.key_arns[each.key]) == 0 ? [] : [local.key_arns[each.key]]
    content {
      sid       = "KeyOfSessions"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = statement.value

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = local.services[each.key]
      }
    }
  }
}

# One for each stream: who reads the changes of one table needs not see those of the others.
data "aws_iam_policy_document" "stream_consumer" {
  for_each = toset(local.streamed_keys)

  statement {
    sid = "Stream"
    actions = [
      "dynamodb:DescribeStream",
      "dynamodb:GetRecords",
      "dynamodb:GetShardIterator",
      "dynamodb:ListStreams",
    ]
    # Any label: a stream that was turned off and on has another. A consumer reads in one region.
    resources = ["${aws_dynamodb_table.this[each.value].arn}/stream/*"]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      sid       = "KeyOfStream"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["dynamodb.${data.aws_region.current.region}.amazonaws.com"]
      }
    }
  }
}
