# What the tables are called, and which there are.

variable "environment" {
  description = "The environment that the tables belong to, which is part of their names: dev, staging, prod."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}$", var.environment))
    error_message = "environment must be 1 to 32 lower-case letters, digits or hyphens, and begin with a letter."
  }
}

variable "name_prefix" {
  description = "What every table's name begins with, before the environment."
  type        = string
  default     = "quikapp"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{1,64}$", var.name_prefix))
    error_message = "name_prefix must be 1 to 64 letters, digits, underscores, dots or hyphens: a table's name takes no others."
  }
}

variable "create_media_metadata_table" {
  description = "Whether to make the table of media metadata."
  type        = bool
  default     = true
  nullable    = false
}

variable "create_user_sessions_table" {
  description = "Whether to make the table of user sessions."
  type        = bool
  default     = true
  nullable    = false
}

variable "create_notifications_table" {
  description = "Whether to make the table of notifications."
  type        = bool
  default     = true
  nullable    = false
}

variable "create_conversations_table" {
  description = "Whether to make the table of conversations."
  type        = bool
  default     = true
  nullable    = false
}

variable "create_rate_limiting_table" {
  description = "Whether to make the table of rate limits."
  type        = bool
  default     = true
  nullable    = false
}

variable "create_single_table" {
  description = "Whether to make a table for a single-table design, with the keys PK and SK, beside the others."
  type        = bool
  default     = false
  nullable    = false
}

variable "tags" {
  description = "Tags for every resource, beside Name and Environment; one of the same name replaces it."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : length(key) >= 1 && length(key) <= 128 && !startswith(lower(key), "aws:")])
    error_message = "Each key of tags must have 1 to 128 characters and not begin with aws:, which AWS keeps for itself."
  }

  validation {
    condition     = alltrue([for value in values(var.tags) : value != null && length(coalesce(value, "-")) <= 256])
    error_message = "Each value of tags must be a text of at most 256 characters."
  }

  validation {
    condition     = length(var.tags) <= 48
    error_message = "tags must have at most 48 entries: AWS takes 50, and Name and Environment are added."
  }
}

# Encryption, backups, expiry.

variable "kms_key_arn" {
  description = "The ARN of the KMS key that encrypts the tables; null for a key that AWS owns, which costs nothing and can't be audited."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key (arn:aws:kms:REGION:ACCOUNT:key/ID): DynamoDB answers with that for an alias too, and every plan would then differ."
  }
}

variable "enable_point_in_time_recovery" {
  description = "Whether the tables, and their replicas, can be restored to any second of the last 35 days."
  type        = bool
  default     = true
  nullable    = false
}

variable "enable_deletion_protection" {
  description = "Whether AWS refuses to delete the tables and their replicas."
  type        = bool
  default     = true
  nullable    = false
}

variable "enable_media_metadata_ttl" {
  description = "Whether items of media metadata that carry expiresAt, in epoch seconds, are deleted after it; those without it stay."
  type        = bool
  default     = true
  nullable    = false
}

# Capacity.

variable "billing_mode" {
  description = "PAY_PER_REQUEST to pay for each request, PROVISIONED to pay for capacity."
  type        = string
  default     = "PAY_PER_REQUEST"
  nullable    = false

  validation {
    condition     = contains(["PAY_PER_REQUEST", "PROVISIONED"], var.billing_mode)
    error_message = "billing_mode must be PAY_PER_REQUEST or PROVISIONED."
  }
}

variable "read_capacity" {
  description = "Read capacity of each table and index in PROVISIONED mode, in units; the least when autoscaling is on."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.read_capacity >= 1 && floor(var.read_capacity) == var.read_capacity
    error_message = "read_capacity must be a whole number of units, 1 or more."
  }
}

variable "write_capacity" {
  description = "Write capacity of each table and index in PROVISIONED mode, in units; the least when autoscaling is on."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.write_capacity >= 1 && floor(var.write_capacity) == var.write_capacity
    error_message = "write_capacity must be a whole number of units, 1 or more."
  }
}

variable "enable_autoscaling" {
  description = "Whether capacity follows demand in PROVISIONED mode. It can be turned on and off at any time; nothing is made anew."
  type        = bool
  default     = true
  nullable    = false
}

variable "autoscaling_max_read_capacity" {
  description = "The most read capacity that autoscaling gives a table or an index, in units."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = floor(var.autoscaling_max_read_capacity) == var.autoscaling_max_read_capacity && var.autoscaling_max_read_capacity >= var.read_capacity
    error_message = "autoscaling_max_read_capacity must be a whole number of units, and no less than read_capacity."
  }
}

variable "autoscaling_max_write_capacity" {
  description = "The most write capacity that autoscaling gives a table or an index, in units."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = floor(var.autoscaling_max_write_capacity) == var.autoscaling_max_write_capacity && var.autoscaling_max_write_capacity >= var.write_capacity
    error_message = "autoscaling_max_write_capacity must be a whole number of units, and no less than write_capacity."
  }
}

variable "autoscaling_target_utilization" {
  description = "The share of capacity that autoscaling aims to have in use, in percent."
  type        = number
  default     = 70
  nullable    = false

  validation {
    condition     = var.autoscaling_target_utilization >= 20 && var.autoscaling_target_utilization <= 90
    error_message = "autoscaling_target_utilization must be from 20 to 90 percent: DynamoDB takes no other."
  }
}

variable "on_demand_maximum_throughput" {
  description = "In PAY_PER_REQUEST mode, the most units a second that a table, and each of its indexes, serves before it throttles: a bound on cost, by table."
  type = map(object({
    read  = optional(number)
    write = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for key in keys(var.on_demand_maximum_throughput) : contains(local.table_keys, key)])
    error_message = "Each key of on_demand_maximum_throughput must be one of media_metadata, user_sessions, notifications, conversations, rate_limiting and single."
  }

  validation {
    condition = alltrue(flatten([
      for maximum in values(var.on_demand_maximum_throughput) : [
        for units in [maximum.read, maximum.write] : units == null || try(units >= 1 && floor(units) == units, false)
      ]
    ]))
    error_message = "The read and write of on_demand_maximum_throughput must be whole numbers of units a second, 1 or more; leave one out for no bound."
  }

  validation {
    condition     = length(var.on_demand_maximum_throughput) == 0 || var.billing_mode == "PAY_PER_REQUEST"
    error_message = "on_demand_maximum_throughput needs billing_mode PAY_PER_REQUEST: provisioned capacity is a bound of its own."
  }
}

variable "table_classes" {
  description = "The storage class by table: STANDARD, which is the default, or STANDARD_INFREQUENT_ACCESS, where storage costs less and requests more."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.table_classes) : contains(local.table_keys, key)])
    error_message = "Each key of table_classes must be one of media_metadata, user_sessions, notifications, conversations, rate_limiting and single."
  }

  validation {
    condition     = alltrue([for class in values(var.table_classes) : contains(["STANDARD", "STANDARD_INFREQUENT_ACCESS"], coalesce(class, "none"))])
    error_message = "Each value of table_classes must be STANDARD or STANDARD_INFREQUENT_ACCESS."
  }
}

# Indexes.

variable "additional_indexes" {
  description = "Global secondary indexes beside those of the module, by table and by name. A key attribute is S, N or B. INCLUDE projects non_key_attributes beside the keys. Capacity is in units, in PROVISIONED mode; without it, the table's."
  type = map(map(object({
    hash_key           = object({ name = string, type = optional(string, "S") })
    range_key          = optional(object({ name = string, type = optional(string, "S") }))
    projection         = optional(string, "ALL")
    non_key_attributes = optional(list(string), [])
    read_capacity      = optional(number)
    write_capacity     = optional(number)
  })))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for key in keys(var.additional_indexes) : contains(local.table_keys, key)])
    error_message = "Each key of additional_indexes must be one of media_metadata, user_sessions, notifications, conversations, rate_limiting and single."
  }

  validation {
    condition     = alltrue(flatten([for indexes in values(var.additional_indexes) : [for name in keys(indexes) : can(regex("^[A-Za-z0-9_.-]{3,255}$", name))]]))
    error_message = "The name of each index in additional_indexes must be 3 to 255 letters, digits, underscores, dots or hyphens."
  }

  validation {
    condition = alltrue(flatten([
      for key, indexes in var.additional_indexes : [for name in keys(indexes) : !contains(keys(try(local.described[key].indexes, {})), name)]
    ]))
    error_message = "An index in additional_indexes must not have the name of one that the module makes for that table."
  }

  validation {
    condition = alltrue(flatten([
      for indexes in values(var.additional_indexes) : [for index in values(indexes) : contains(["ALL", "INCLUDE", "KEYS_ONLY"], index.projection)]
    ]))
    error_message = "The projection of each index in additional_indexes must be ALL, INCLUDE or KEYS_ONLY."
  }

  validation {
    condition = alltrue(flatten([
      for indexes in values(var.additional_indexes) : [
        for index in values(indexes) : (index.projection == "INCLUDE") == (length(index.non_key_attributes) > 0)
      ]
    ]))
    error_message = "An index in additional_indexes must have non_key_attributes if its projection is INCLUDE, and only then."
  }

  validation {
    condition = alltrue(flatten([
      for indexes in values(var.additional_indexes) : [
        for index in values(indexes) : [
          for attribute in [index.hash_key, index.range_key] : attribute == null || try(contains(["S", "N", "B"], attribute.type), false)
        ]
      ]
    ]))
    error_message = "The type of each key attribute in additional_indexes must be S, N or B."
  }

  validation {
    # One name has one type in a table, whatever it keys there.
    condition = alltrue(flatten([
      for key, indexes in var.additional_indexes : [
        for types in values({
          for attribute in concat(
            try(local.described_attributes[key], []),
            flatten([for index in values(indexes) : [for each in [index.hash_key, index.range_key] : each if each != null]]),
          ) : attribute.name => attribute.type...
        }) : length(distinct(types)) == 1
      ]
    ]))
    error_message = "A key attribute in additional_indexes must have the type that the table, and its other indexes, give to it."
  }

  validation {
    condition = alltrue(flatten([
      for indexes in values(var.additional_indexes) : [
        for index in values(indexes) : [
          for units in [index.read_capacity, index.write_capacity] : units == null || try(units >= 1 && floor(units) == units, false)
        ]
      ]
    ]))
    error_message = "The capacity of each index in additional_indexes must be a whole number of units, 1 or more."
  }

  validation {
    condition     = alltrue([for key, indexes in var.additional_indexes : length(indexes) + length(try(local.described[key].indexes, {})) <= 20])
    error_message = "additional_indexes must leave a table with at most 20 indexes, those of the module included: DynamoDB makes no more."
  }
}

# Streams.

variable "enable_streams" {
  description = "Whether the tables have a stream of their changes. Those with a replica have one anyway, for replication needs it."
  type        = bool
  default     = false
  nullable    = false
}

variable "stream_view_type" {
  description = "What a stream carries of a changed item: KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or NEW_AND_OLD_IMAGES."
  type        = string
  default     = "NEW_AND_OLD_IMAGES"
  nullable    = false

  validation {
    condition     = contains(["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"], var.stream_view_type)
    error_message = "stream_view_type must be KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or NEW_AND_OLD_IMAGES."
  }

  validation {
    condition     = !var.enable_global_tables || var.stream_view_type == "NEW_AND_OLD_IMAGES"
    error_message = "stream_view_type must be NEW_AND_OLD_IMAGES with enable_global_tables: replication reads both images."
  }
}

variable "stream_triggers" {
  description = "Lambda functions to call with the changes of a table, by a name for each. Windows and ages are in seconds; filter_patterns are JSON texts of which a record must match one; records that failed to the last go to failure_destination_arn, a queue, topic or bucket."
  type = map(object({
    table                              = string
    function_arn                       = string
    starting_position                  = optional(string, "LATEST")
    batch_size                         = optional(number, 100)
    maximum_batching_window_in_seconds = optional(number, 0)
    parallelization_factor             = optional(number, 1)
    filter_patterns                    = optional(list(string), [])
    maximum_retry_attempts             = optional(number, 10)
    maximum_record_age_in_seconds      = optional(number, 86400)
    failure_destination_arn            = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : contains(local.streamed_keys, trigger.table)])
    error_message = "The table of each of stream_triggers must be one that is made and has a stream: set enable_streams, and its create_..._table."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?$", trigger.function_arn))])
    error_message = "The function_arn of each of stream_triggers must be the ARN of a function (arn:aws:lambda:REGION:ACCOUNT:function:NAME), of a version or an alias."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : contains(["LATEST", "TRIM_HORIZON"], trigger.starting_position)])
    error_message = "The starting_position of each of stream_triggers must be LATEST or TRIM_HORIZON."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : trigger.batch_size >= 1 && trigger.batch_size <= 10000 && floor(trigger.batch_size) == trigger.batch_size])
    error_message = "The batch_size of each of stream_triggers must be from 1 to 10000 records."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : trigger.maximum_batching_window_in_seconds >= 0 && trigger.maximum_batching_window_in_seconds <= 300])
    error_message = "The maximum_batching_window_in_seconds of each of stream_triggers must be from 0 to 300."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : contains(range(1, 11), trigger.parallelization_factor)])
    error_message = "The parallelization_factor of each of stream_triggers must be from 1 to 10."
  }

  validation {
    condition     = alltrue(flatten([for trigger in values(var.stream_triggers) : [for pattern in trigger.filter_patterns : can(keys(jsondecode(pattern)))]]))
    error_message = "Each of the filter_patterns of stream_triggers must be the text of a JSON object."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : length(trigger.filter_patterns) <= 5])
    error_message = "Each of stream_triggers must have at most 5 filter_patterns: Lambda takes no more."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : trigger.maximum_retry_attempts >= -1 && trigger.maximum_retry_attempts <= 10000])
    error_message = "The maximum_retry_attempts of each of stream_triggers must be from 0 to 10000, or -1 for no end."
  }

  validation {
    condition = alltrue([
      for trigger in values(var.stream_triggers) :
      trigger.maximum_record_age_in_seconds == -1 || (trigger.maximum_record_age_in_seconds >= 60 && trigger.maximum_record_age_in_seconds <= 604800)
    ])
    error_message = "The maximum_record_age_in_seconds of each of stream_triggers must be from 60 to 604800, or -1 for no end."
  }

  validation {
    condition = alltrue([
      for trigger in values(var.stream_triggers) :
      trigger.failure_destination_arn == null || can(regex("^arn:aws[a-z-]*:(sqs|sns|s3):", trigger.failure_destination_arn))
    ])
    error_message = "The failure_destination_arn of each of stream_triggers must be the ARN of an SQS queue, an SNS topic or an S3 bucket."
  }

  validation {
    condition = alltrue([
      for key in local.table_keys :
      length([for trigger in values(var.stream_triggers) : trigger if trigger.table == key]) <= (contains(local.replicated_keys, key) ? 1 : 2)
    ])
    error_message = "stream_triggers must be at most 2 for a table, and 1 if it is replicated: more readers of a shard are throttled."
  }
}

# Global tables.

variable "enable_global_tables" {
  description = "Whether the tables have a replica in another region. That of rate limits has none unless replicate_rate_limits says so."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.enable_global_tables || var.billing_mode == "PAY_PER_REQUEST" || var.enable_autoscaling
    error_message = "enable_global_tables needs billing_mode PAY_PER_REQUEST, or enable_autoscaling: a replica must be able to follow the writes."
  }
}

variable "replica_region" {
  description = "The region of the replicas, such as eu-west-1."
  type        = string
  default     = null

  validation {
    condition     = !var.enable_global_tables || var.replica_region != null
    error_message = "replica_region must be given with enable_global_tables."
  }

  validation {
    condition     = var.replica_region == null || can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.replica_region))
    error_message = "replica_region must be the name of a region, such as eu-west-1."
  }
}

variable "replica_kms_key_arn" {
  description = "The ARN of the KMS key, in replica_region, that encrypts the replicas; null as kms_key_arn is."
  type        = string
  default     = null

  validation {
    condition     = var.replica_kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.replica_kms_key_arn))
    error_message = "replica_kms_key_arn must be the ARN of a key: arn:aws:kms:REGION:ACCOUNT:key/ID."
  }

  validation {
    condition     = var.replica_kms_key_arn == null || var.replica_region == null || try(split(":", var.replica_kms_key_arn)[3], "") == var.replica_region
    error_message = "replica_kms_key_arn must be a key of replica_region: a table can't be encrypted with a key of another region."
  }

  validation {
    condition     = !var.enable_global_tables || (var.kms_key_arn == null) == (var.replica_kms_key_arn == null)
    error_message = "replica_kms_key_arn must be given with enable_global_tables if kms_key_arn is, and only then: a table and its replicas have keys of one kind."
  }
}

variable "replicate_rate_limits" {
  description = "Whether the table of rate limits has a replica too. The last writer wins between regions, so what one admitted is lost: see the README."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.replicate_rate_limits || var.enable_global_tables
    error_message = "replicate_rate_limits needs enable_global_tables."
  }
}

# Watching.

variable "enable_alarms" {
  description = "Whether to make alarms for throttled requests, errors of DynamoDB's own, and replicas that lag."
  type        = bool
  default     = true
  nullable    = false
}

variable "alarm_actions" {
  description = "The ARNs of what to tell when an alarm goes off or is over, such as an SNS topic."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.alarm_actions : can(regex("^arn:aws[a-z-]*:", arn))])
    error_message = "Each of alarm_actions must be an ARN."
  }

  validation {
    condition     = length(var.alarm_actions) <= 5
    error_message = "alarm_actions must have at most 5 ARNs: an alarm takes no more."
  }
}

variable "throttle_alarm_threshold" {
  description = "The number of throttled events in a minute, of a table or an index, that sets off its alarm if it lasts three minutes of five."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.throttle_alarm_threshold >= 1
    error_message = "throttle_alarm_threshold must be 1 event or more: with 0 the alarm would never be over."
  }
}

variable "replication_latency_alarm_threshold_ms" {
  description = "The time until a change is in the replica, in milliseconds, that sets off the alarm if it lasts three minutes of five."
  type        = number
  default     = 10000
  nullable    = false

  validation {
    condition     = var.replication_latency_alarm_threshold_ms >= 1000
    error_message = "replication_latency_alarm_threshold_ms must be 1000 ms or more: about a second is usual between regions."
  }
}

variable "contributor_insights_mode" {
  description = "Which keys CloudWatch counts by table and index: THROTTLED_KEYS, ACCESSED_AND_THROTTLED_KEYS, or null for none. It is paid for by event."
  type        = string
  default     = null

  validation {
    condition     = var.contributor_insights_mode == null || contains(["THROTTLED_KEYS", "ACCESSED_AND_THROTTLED_KEYS"], coalesce(var.contributor_insights_mode, "none"))
    error_message = "contributor_insights_mode must be THROTTLED_KEYS, ACCESSED_AND_THROTTLED_KEYS or null."
  }
}
