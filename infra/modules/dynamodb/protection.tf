# Terraform destroys what depends on a table before the table. So when a protected table leaves the
# configuration (another name_prefix, create_..._table = false, destroy), its indexes and alarms
# would be gone by the time that AWS refuses to delete it. These come after all of them, so they
# are the first that is destroyed, and they refuse it: nothing of the table is touched.
#
# prevent_destroy would refuse it in the plan already. But it can't depend on a variable: turning
# deletion protection off, and then dropping a table, would need surgery on the state.
resource "terraform_data" "deletion_protection" {
  for_each = local.tables

  triggers_replace = each.value.name

  input = {
    table     = each.value.name
    protected = each.value.deletion_protection
  }

  provisioner "local-exec" {
    when    = destroy
    command = self.input.protected ? "echo '${self.input.table} is protected from deletion, so neither it nor its indexes and alarms are destroyed. To drop it, first apply with its deletion protection off.' && exit 1" : "exit 0"
    quiet   = true
  }

  depends_on = [
    aws_appautoscaling_policy.this,
    aws_appautoscaling_target.this,
    aws_cloudwatch_metric_alarm.iterator_age,
    aws_cloudwatch_metric_alarm.key_range_throttles,
    aws_cloudwatch_metric_alarm.replication_latency,
    aws_cloudwatch_metric_alarm.system_errors,
    aws_cloudwatch_metric_alarm.throttles,
    aws_dynamodb_contributor_insights.this,
    aws_dynamodb_global_secondary_index.this,
    aws_dynamodb_resource_policy.this,
    aws_dynamodb_table.this,
    aws_lambda_event_source_mapping.this,
  ]
}
