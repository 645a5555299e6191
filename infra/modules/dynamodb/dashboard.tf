locals {
  # A row of the dashboard for each table: capacity, throttles, latency, and hot keys, whose rules
  # CloudWatch names after the instant of their making.
  dashboard_rows = [
    for key in var.enable_dashboard ? local.created_keys : [] : concat(
      [
        {
          title = "${key}: capacity units"
          metrics = concat(
            [for direction in ["Read", "Write"] : ["AWS/DynamoDB", "Consumed${direction}CapacityUnits", "TableName", aws_dynamodb_table.this[key].name, { stat = "Sum", label = "${direction} used in a minute" }]],
            [
              for direction in ["Read", "Write"] :
              ["AWS/DynamoDB", "Provisioned${direction}CapacityUnits", "TableName", aws_dynamodb_table.this[key].name, { stat = "Average", label = "${direction} provisioned for a second" }]
              if local.provisioned
            ],
          )
        },
        {
          title = "${key}: throttled requests, all and at a partition's ceiling"
          metrics = [
            for metric in ["ReadThrottleEvents", "WriteThrottleEvents", "ReadKeyRangeThroughputThrottleEvents", "WriteKeyRangeThroughputThrottleEvents"] :
            ["AWS/DynamoDB", metric, "TableName", aws_dynamodb_table.this[key].name, { stat = "Sum", label = metric }]
          ]
        },
        {
          title = "${key}: latency in DynamoDB, ms"
          metrics = [
            for operation in ["GetItem", "PutItem", "Query", "UpdateItem"] :
            ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", aws_dynamodb_table.this[key].name, "Operation", operation, { stat = "Average", label = operation }]
          ]
        },
      ],
      [
        for rule in lookup(var.contributor_insights_rules, key, []) : {
          title       = "${key}: ${rule}"
          insightRule = { ruleName = rule, orderBy = "Sum", maxContributorCount = 10 }
        }
      ],
    )
  ]

  # A dashboard is 24 wide: a row with many rules goes on below.
  dashboard_lines = concat([], [
    for row in local.dashboard_rows : [
      for first in range(0, length(row), 6) : slice(row, first, min(first + 6, length(row)))
    ]
  ]...)
}

resource "aws_cloudwatch_dashboard" "this" {
  for_each = var.enable_dashboard ? toset(["tables"]) : []

  dashboard_name = replace("${local.name_start}-tables", ".", "-")
  dashboard_body = jsonencode({
    widgets = flatten([
      for line, widgets in local.dashboard_lines : [
        for column, widget in widgets : {
          type   = "metric"
          x      = column * floor(24 / length(widgets))
          y      = line * 6
          width  = floor(24 / length(widgets))
          height = 6
          properties = merge(widget, {
            region = data.aws_region.current.region
            period = 60
            view   = "timeSeries"
          })
        }
      ]
    ])
  })
}
