# Policies for the roles of applications: what the library calls, on the tables that it calls, and
# nothing else. A transaction needs no permission of its own, but those of the writes in it.

locals {
  # Its ARN in each region where a table is.
  table_arns = {
    for key, table in local.tables : key => concat(
      [aws_dynamodb_table.this[key].arn],
      [for region in keys(table.replicas) : replace(aws_dynamodb_table.this[key].arn, ":${data.aws_region.current.region}:", ":${region}:")],
    )
  }

  # The keys that encrypt a table, and the regions whose DynamoDB may be the one that uses them.
  key_arns = {
    for key, table in local.tables : key => var.kms_key_arn == null ? [] : concat([var.kms_key_arn], [for replica in table.replicas : replica.kms_key_arn])
  }
  services = {
    for key, table in local.tables : key => [
      for region in concat([data.aws_region.current.region], keys(table.replicas)) : "dynamodb.${region}.amazonaws.com"
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

# For the role of who operates a limiter from the command line: what a limiter may do, reading
# through all of its table, which no application does, and what the table is like.
data "aws_iam_policy_document" "limiter_operator" {
  for_each = { for key in local.created_keys : key => local.table_arns[key] if key == "rate_limiting" }

  source_policy_documents = [data.aws_iam_policy_document.limiter[each.key].json]

  statement {
    sid = "OperatorOfRateLimits"
    actions = [
      "dynamodb:DescribeContinuousBackups",
      "dynamodb:DescribeTable",
      "dynamodb:DescribeTimeToLive",
      "dynamodb:Scan",
    ]
    resources = each.value
  }
}

data "aws_iam_policy_document" "session_store" {
  for_each = { for key in local.created_keys : key => local.table_arns[key] if key == "user_sessions" }

  statement {
    sid = "Sessions"
    actions = [
      "dynamodb:BatchGetItem",
      "dynamodb:BatchWriteItem",
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

# For the role of who lists and ends sessions from the command line: what a store of them may do, and
# what the table is like.
data "aws_iam_policy_document" "session_operator" {
  for_each = { for key in local.created_keys : key => local.table_arns[key] if key == "user_sessions" }

  source_policy_documents = [data.aws_iam_policy_document.session_store[each.key].json]

  statement {
    sid = "OperatorOfSessions"
    actions = [
      "dynamodb:DescribeContinuousBackups",
      "dynamodb:DescribeTable",
      "dynamodb:DescribeTimeToLive",
    ]
    resources = each.value
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

# Who owns an account decides by a table's own policy who else may use it.
resource "aws_dynamodb_resource_policy" "this" {
  for_each = { for key, policy in var.resource_policies : key => policy if contains(local.created_keys, key) }

  resource_arn = aws_dynamodb_table.this[each.key].arn
  policy       = each.value
}

# What a DAX cluster does for its clients on the tables that they name: the role that the cluster
# runs with, and what that role may be assumed by.
data "aws_iam_policy_document" "dax" {
  for_each = length(var.dax_tables) == 0 ? [] : toset(["cluster"])

  statement {
    sid = "Tables"
    actions = [
      "dynamodb:BatchGetItem",
      "dynamodb:BatchWriteItem",
      "dynamodb:ConditionCheckItem",
      "dynamodb:DeleteItem",
      "dynamodb:DescribeTable",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:Scan",
      "dynamodb:UpdateItem",
    ]
    resources = flatten([
      for key in var.dax_tables : [aws_dynamodb_table.this[key].arn, "${aws_dynamodb_table.this[key].arn}/index/*"]
    ])
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      sid       = "KeyOfTables"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["dynamodb.${data.aws_region.current.region}.amazonaws.com"]
      }
    }
  }
}

data "aws_iam_policy_document" "dax_trust" {
  for_each = length(var.dax_tables) == 0 ? [] : toset(["cluster"])

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["dax.amazonaws.com"]
    }
  }
}
