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
  description = "The beginning of every table's name, before the environment."
  type        = string
  default     = "quikapp"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{1,64}$", var.name_prefix))
    error_message = "name_prefix must be 1 to 64 letters, digits, underscores, dots or hyphens: a table's name takes no others."
  }
}

variable "create_media_metadata_table" {
  description = "Whether to create the table of media metadata."
  type        = bool
  default     = true
  nullable    = false
}

variable "create_user_sessions_table" {
  description = "Whether to create the table of user sessions."
  type        = bool
  default     = true
  nullable    = false
}

variable "create_notifications_table" {
  description = "Whether to create the table of notifications."
  type        = bool
  default     = true
  nullable    = false
}

variable "create_conversations_table" {
  description = "Whether to create the table of conversations."
  type        = bool
  default     = true
  nullable    = false
}

variable "create_rate_limiting_table" {
  description = "Whether to create the table of rate limits."
  type        = bool
  default     = true
  nullable    = false
}

variable "create_single_table" {
  description = "Whether to create a table for a single-table design, with the keys PK and SK, beside the others."
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
    condition     = alltrue([for key, value in var.tags : can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]*$", "${key}${coalesce(value, "-")}"))])
    error_message = "The keys and values of tags must be letters, digits, spaces and _ . : / = + - @: AWS takes no others."
  }

  validation {
    condition     = length(setunion(keys(var.tags), ["Environment", "Name"])) <= 50
    error_message = "tags must have at most 48 entries beside Name and Environment: AWS takes 50."
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

variable "point_in_time_recovery_days" {
  description = "How many days back the tables can be restored to, from 1 to 35; null for 35."
  type        = number
  default     = null

  validation {
    condition     = var.point_in_time_recovery_days == null || contains(range(1, 36), coalesce(var.point_in_time_recovery_days, 0))
    error_message = "point_in_time_recovery_days must be a whole number from 1 to 35."
  }
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

variable "table_settings" {
  description = "Settings of single tables, by table: point_in_time_recovery, deletion_protection, stream, replicated. null means as for the other tables."
  type = map(object({
    point_in_time_recovery = optional(bool)
    deletion_protection    = optional(bool)
    stream                 = optional(bool)
    replicated             = optional(bool)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for key in keys(var.table_settings) : contains(local.table_keys, key)])
    error_message = "Each key of table_settings must be one of media_metadata, user_sessions, notifications, conversations, rate_limiting and single."
  }

  validation {
    condition     = !contains([for value in values(var.table_settings) : value == null], true)
    error_message = "No value of table_settings may be null: leave its key out."
  }

  validation {
    condition     = try(var.table_settings["rate_limiting"].replicated, null) == null
    error_message = "The replicated of rate_limiting is not one of table_settings: see replicate_rate_limits and strongly_consistent_rate_limits."
  }

  validation {
    condition     = alltrue([for key, settings in var.table_settings : !try(coalesce(settings.replicated, false), false) || var.enable_global_tables])
    error_message = "table_settings with replicated = true need enable_global_tables."
  }

  validation {
    condition = !var.enable_global_tables || alltrue([
      for key, settings in var.table_settings :
      try(coalesce(settings.stream, true), true) || !try(coalesce(settings.replicated, key != "rate_limiting" || var.replicate_rate_limits), true)
    ])
    error_message = "table_settings must not have stream = false for a table that is replicated: replication reads it."
  }
}

variable "resource_policies" {
  description = "The resource policy of a table, as JSON, by table: who else may use it, from other accounts too."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.resource_policies) : contains(local.table_keys, key)])
    error_message = "Each key of resource_policies must be one of media_metadata, user_sessions, notifications, conversations, rate_limiting and single."
  }

  validation {
    # One statement may stand for a list of one.
    condition = alltrue([
      for policy in values(var.resource_policies) : try(length(flatten([jsondecode(policy).Statement])) > 0 && alltrue([
        for statement in flatten([jsondecode(policy).Statement]) :
        contains(["Allow", "Deny"], statement.Effect) && can(keys(statement))
        && anytrue([for name in keys(statement) : contains(["Principal", "NotPrincipal"], name)])
        && anytrue([for name in keys(statement) : contains(["Action", "NotAction"], name)])
      ]), false)
    ])
    error_message = "Each value of resource_policies must be the JSON of a policy, whose Statement has an Effect (Allow or Deny), a Principal and an Action."
  }

  validation {
    # length() counts characters, and AWS bytes: base64 has four characters for each three of them.
    condition     = alltrue([for policy in values(var.resource_policies) : length(base64encode(coalesce(policy, "-"))) <= 27308])
    error_message = "Each value of resource_policies must have at most 20 KB, spaces included: DynamoDB takes no longer policy."
  }
}

variable "read_existing_tables" {
  description = "Whether a plan reads the existing tables, to refuse changes that would fail halfway through an apply. It needs dynamodb:ListTables. Set it to false if names are known only after an apply, or if the module has depends_on."
  type        = bool
  default     = true
  nullable    = false
}

# Where a new table's items come from.

variable "restore_tables" {
  description = "Tables to restore from a backup when they are created, by table: the name or the ARN of the source table, and date_time, such as 2024-01-15T10:30:00Z; null for the latest time that can be restored."
  type = map(object({
    source_table_name = optional(string)
    source_table_arn  = optional(string)
    date_time         = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for key in keys(var.restore_tables) : contains(local.table_keys, key)])
    error_message = "Each key of restore_tables must be one of media_metadata, user_sessions, notifications, conversations, rate_limiting and single."
  }

  validation {
    condition     = !contains([for value in values(var.restore_tables) : value == null], true)
    error_message = "No value of restore_tables may be null: leave its key out."
  }

  validation {
    condition     = alltrue([for restore in values(var.restore_tables) : try((restore.source_table_name == null) != (restore.source_table_arn == null), true)])
    error_message = "Each of restore_tables must have one of source_table_name and source_table_arn."
  }

  validation {
    condition = alltrue([
      for restore in values(var.restore_tables) :
      (try(restore.source_table_name, null) == null || can(regex("^[A-Za-z0-9_.-]{3,255}$", restore.source_table_name)))
      && (try(restore.source_table_arn, null) == null || can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]{3,255}$", restore.source_table_arn)))
    ])
    error_message = "The source of each of restore_tables must be a table: source_table_name its name, source_table_arn its ARN (arn:aws:dynamodb:REGION:ACCOUNT:table/NAME)."
  }

  validation {
    condition     = alltrue([for key, restore in var.restore_tables : try(restore.source_table_name != local.table_names[key], true)])
    error_message = "The source_table_name of each of restore_tables must not be the table's own name: AWS restores into a new table, beside its source. Take another name_prefix for it."
  }

  validation {
    condition     = alltrue([for restore in values(var.restore_tables) : try(restore.date_time, null) == null || can(timeadd(restore.date_time, "0s"))])
    error_message = "The date_time of each of restore_tables must be an instant as 2024-01-15T10:30:00Z."
  }
}

variable "import_tables" {
  description = "Tables to import from S3 when they are created, by table: bucket, bucket_owner, key_prefix, format (DYNAMODB_JSON, ION or CSV) and compression (GZIP, ZSTD or NONE)."
  type = map(object({
    bucket       = string
    bucket_owner = optional(string)
    key_prefix   = optional(string)
    format       = optional(string, "DYNAMODB_JSON")
    compression  = optional(string, "NONE")
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for key in keys(var.import_tables) : contains(local.table_keys, key)])
    error_message = "Each key of import_tables must be one of media_metadata, user_sessions, notifications, conversations, rate_limiting and single."
  }

  validation {
    condition     = !contains([for value in values(var.import_tables) : value == null], true)
    error_message = "No value of import_tables may be null: leave its key out."
  }

  validation {
    condition     = alltrue([for key in keys(var.import_tables) : !contains(keys(var.restore_tables), key)])
    error_message = "A table can't be one of import_tables and of restore_tables: it comes from one place."
  }

  validation {
    condition     = alltrue([for import in values(var.import_tables) : try(contains(["DYNAMODB_JSON", "ION", "CSV"], import.format) && contains(["GZIP", "ZSTD", "NONE"], import.compression), import == null)])
    error_message = "The format of each of import_tables must be DYNAMODB_JSON, ION or CSV, and its compression GZIP, ZSTD or NONE."
  }

  validation {
    condition     = alltrue([for import in values(var.import_tables) : try(can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", import.bucket)) && !strcontains(import.bucket, ".."), false) || import == null])
    error_message = "The bucket of each of import_tables must be the name of an S3 bucket: 3 to 63 lower-case letters, digits, hyphens or single dots, the first and the last a letter or a digit."
  }

  validation {
    condition     = alltrue([for import in values(var.import_tables) : try(import.bucket_owner, null) == null || can(regex("^[0-9]{12}$", import.bucket_owner))])
    error_message = "The bucket_owner of each of import_tables must be an account's number, of 12 digits."
  }
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
  description = "Read capacity of each table and index in PROVISIONED mode, in units; the minimum if autoscaling is on."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.read_capacity >= 1 && floor(var.read_capacity) == var.read_capacity
    error_message = "read_capacity must be a whole number of units, 1 or more."
  }
}

variable "write_capacity" {
  description = "Write capacity of each table and index in PROVISIONED mode, in units; the minimum if autoscaling is on."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.write_capacity >= 1 && floor(var.write_capacity) == var.write_capacity
    error_message = "write_capacity must be a whole number of units, 1 or more."
  }
}

variable "enable_autoscaling" {
  description = "Whether capacity follows demand in PROVISIONED mode. It can be turned on and off at any time; no table is created again."
  type        = bool
  default     = true
  nullable    = false
}

variable "autoscaling_max_read_capacity" {
  description = "The maximum read capacity of a table or an index, in units."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = floor(var.autoscaling_max_read_capacity) == var.autoscaling_max_read_capacity && var.autoscaling_max_read_capacity >= 1
    error_message = "autoscaling_max_read_capacity must be a whole number of units, 1 or more."
  }

  validation {
    # Without autoscaling there is no most.
    condition     = !var.enable_autoscaling || var.billing_mode != "PROVISIONED" || var.autoscaling_max_read_capacity >= var.read_capacity
    error_message = "autoscaling_max_read_capacity must be no less than read_capacity, which is the least."
  }
}

variable "autoscaling_max_write_capacity" {
  description = "The maximum write capacity of a table or an index, in units."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = floor(var.autoscaling_max_write_capacity) == var.autoscaling_max_write_capacity && var.autoscaling_max_write_capacity >= 1
    error_message = "autoscaling_max_write_capacity must be a whole number of units, 1 or more."
  }

  validation {
    # Without autoscaling there is no most.
    condition     = !var.enable_autoscaling || var.billing_mode != "PROVISIONED" || var.autoscaling_max_write_capacity >= var.write_capacity
    error_message = "autoscaling_max_write_capacity must be no less than write_capacity, which is the least."
  }
}

variable "autoscaling_target_utilization" {
  description = "The share of the capacity that autoscaling keeps in use, in percent."
  type        = number
  default     = 70
  nullable    = false

  validation {
    condition     = var.autoscaling_target_utilization >= 20 && var.autoscaling_target_utilization <= 90 && floor(var.autoscaling_target_utilization) == var.autoscaling_target_utilization
    error_message = "autoscaling_target_utilization must be a whole number from 20 to 90 percent: DynamoDB takes no other."
  }
}

variable "on_demand_maximum_throughput" {
  description = "In PAY_PER_REQUEST mode, the maximum units a second of a table and of each of its indexes, by table. Beyond it they throttle, which bounds the cost."
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
        for units in try([maximum.read, maximum.write], []) : units == null || try(units >= 1 && floor(units) == units, false)
      ]
    ]))
    error_message = "The read and write of on_demand_maximum_throughput must be whole numbers of units a second, 1 or more; leave one out for no bound."
  }

  validation {
    condition     = !contains([for value in values(var.on_demand_maximum_throughput) : value == null], true)
    error_message = "No value of on_demand_maximum_throughput may be null: leave its key out."
  }

  validation {
    condition     = length(var.on_demand_maximum_throughput) == 0 || var.billing_mode == "PAY_PER_REQUEST"
    error_message = "on_demand_maximum_throughput needs billing_mode PAY_PER_REQUEST: provisioned capacity is a bound of its own."
  }
}

variable "warm_throughput" {
  description = "The units a second that a table must be ready to serve, by table, for a peak that you expect: at least 12000 reads and 4000 writes. You pay for it once. It can be raised, but never lowered."
  type = map(object({
    read  = optional(number)
    write = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for key in keys(var.warm_throughput) : contains(local.table_keys, key)])
    error_message = "Each key of warm_throughput must be one of media_metadata, user_sessions, notifications, conversations, rate_limiting and single."
  }

  validation {
    condition     = !contains([for value in values(var.warm_throughput) : value == null], true)
    error_message = "No value of warm_throughput may be null: leave its key out."
  }

  validation {
    condition = alltrue([
      for warm in values(var.warm_throughput) :
      (try(warm.read, null) == null || try(warm.read >= 12000 && floor(warm.read) == warm.read, false))
      && (try(warm.write, null) == null || try(warm.write >= 4000 && floor(warm.write) == warm.write, false))
    ])
    error_message = "The read of warm_throughput must be a whole number from 12000 on, and the write from 4000 on: each table has as much by itself."
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
  description = "Global secondary indexes in addition to the module's, by table and by name. A key attribute is S, N or B. INCLUDE projects non_key_attributes beside the keys. Capacity is in units, in PROVISIONED mode; without it, the table's. warm_throughput is as the table's."
  type = map(map(object({
    hash_key           = object({ name = string, type = optional(string, "S") })
    range_key          = optional(object({ name = string, type = optional(string, "S") }))
    projection         = optional(string, "ALL")
    non_key_attributes = optional(list(string), [])
    read_capacity      = optional(number)
    write_capacity     = optional(number)
    warm_throughput    = optional(object({ read = optional(number), write = optional(number) }))
  })))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for key in keys(var.additional_indexes) : contains(local.table_keys, key)])
    error_message = "Each key of additional_indexes must be one of media_metadata, user_sessions, notifications, conversations, rate_limiting and single."
  }

  # The rules below pass over what is null: this is what refuses it.
  validation {
    condition     = !contains(flatten([for indexes in values(var.additional_indexes) : [indexes == null, [for index in try(values(indexes), []) : try(index.hash_key.name, null) == null || try(index.hash_key.type, null) == null || try(index.projection, null) == null || try(index.non_key_attributes, null) == null]]]), true)
    error_message = "No table or index of additional_indexes may be null, and each index must have a hash_key with a name and a type, and a projection: leave out what is not wanted."
  }

  validation {
    condition     = alltrue(flatten([for indexes in values(var.additional_indexes) : [for name in try(keys(indexes), []) : can(regex("^[A-Za-z0-9_.-]{3,255}$", name))]]))
    error_message = "The name of each index in additional_indexes must be 3 to 255 letters, digits, underscores, dots or hyphens."
  }

  validation {
    condition = alltrue(flatten([
      for key, indexes in var.additional_indexes : [for name in try(keys(indexes), []) : !contains(keys(try(local.described[key].indexes, {})), name)]
    ]))
    error_message = "An index in additional_indexes must not have the name of one that the module makes for that table."
  }

  validation {
    condition = alltrue(flatten([
      for key, indexes in var.additional_indexes : [
        for name in try(keys(indexes), []) : var.billing_mode != "PROVISIONED" || !var.enable_autoscaling || length("DynamoDBWriteCapacityUtilization:table/${local.name_start}-${try(local.described[key].suffix, "")}/index/${name}") <= 255
      ]
    ]))
    error_message = "The name of an index in additional_indexes is too long together with its table's: the scaling policy that is named after both would have more than 255 characters. Shorten the index's name, or name_prefix."
  }

  validation {
    condition = alltrue(flatten([
      for key, indexes in var.additional_indexes : [
        for name in try(keys(indexes), []) : !var.enable_alarms || length("${local.name_start}-${try(local.described[key].suffix, "")}/${name} WriteKeyRangeThroughputThrottleEvents") <= 255
      ]
    ]))
    error_message = "The name of an index in additional_indexes is too long together with its table's: the alarms that are named after both would have more than 255 characters. Shorten the index's name, or name_prefix."
  }

  validation {
    condition     = alltrue(flatten([for indexes in values(var.additional_indexes) : [for index in try(values(indexes), []) : try(contains(["ALL", "INCLUDE", "KEYS_ONLY"], index.projection), true)]]))
    error_message = "The projection of each index in additional_indexes must be ALL, INCLUDE or KEYS_ONLY."
  }

  validation {
    condition     = alltrue(flatten([for indexes in values(var.additional_indexes) : [for index in try(values(indexes), []) : try((index.projection == "INCLUDE") == (length(index.non_key_attributes) > 0), true)]]))
    error_message = "An index in additional_indexes must have non_key_attributes if its projection is INCLUDE, and only then."
  }

  validation {
    condition = alltrue(flatten([
      for indexes in values(var.additional_indexes) : [
        for index in try(values(indexes), []) : [
          for name in try(index.non_key_attributes, []) : try(length(name) >= 1 && length(base64encode(name)) <= local.base64_of_255_bytes, false)
        ]
      ]
    ]))
    error_message = "Each of the non_key_attributes in additional_indexes must have 1 to 255 bytes in UTF-8."
  }

  validation {
    condition     = alltrue(flatten([for indexes in values(var.additional_indexes) : [for index in try(values(indexes), []) : try(length(index.non_key_attributes) == length(distinct(index.non_key_attributes)), true)]]))
    error_message = "The non_key_attributes of an index in additional_indexes must each be named once."
  }

  validation {
    condition     = alltrue([for indexes in values(var.additional_indexes) : length(flatten([for index in try(values(indexes), []) : try(index.non_key_attributes, [])])) <= 100])
    error_message = "The non_key_attributes of the indexes of one table in additional_indexes must be at most 100 together, one that two indexes project counted twice."
  }

  validation {
    condition = alltrue(flatten([
      for indexes in values(var.additional_indexes) : [
        for index in try(values(indexes), []) : [
          for attribute in try([index.hash_key, index.range_key], []) : attribute == null || try(contains(["S", "N", "B"], attribute.type), false)
        ]
      ]
    ]))
    error_message = "The type of each key attribute in additional_indexes must be S, N or B."
  }

  validation {
    condition = alltrue(flatten([
      for indexes in values(var.additional_indexes) : [
        for index in try(values(indexes), []) : [
          for attribute in try([index.hash_key, index.range_key], []) : attribute == null || try(length(attribute.name) >= 1 && length(base64encode(attribute.name)) <= local.base64_of_255_bytes, false)
        ]
      ]
    ]))
    error_message = "The name of each key attribute in additional_indexes must have 1 to 255 bytes in UTF-8."
  }

  validation {
    condition     = alltrue(flatten([for indexes in values(var.additional_indexes) : [for index in try(values(indexes), []) : try(index.hash_key.name != index.range_key.name, true)]]))
    error_message = "The hash_key and the range_key of an index in additional_indexes must be two attributes."
  }

  validation {
    # One name has one type in a table, whatever it keys there.
    condition = alltrue(flatten([
      for key, indexes in var.additional_indexes : try([
        for types in values({
          for attribute in concat(
            try(local.described_attributes[key], []),
            flatten([for index in values(indexes) : [for each in [index.hash_key, index.range_key] : each if each != null]]),
          ) : attribute.name => attribute.type...
        }) : length(distinct(types)) == 1
      ], [])
    ]))
    error_message = "A key attribute in additional_indexes must have the type that the table, its TTL, its other indexes, and the limiter or the sessions give to it: expiresAt is N."
  }

  validation {
    condition = alltrue(flatten([
      for indexes in values(var.additional_indexes) : [
        for index in try(values(indexes), []) : [
          for units in try([index.read_capacity, index.write_capacity], []) : units == null || try(units >= 1 && floor(units) == units, false)
        ]
      ]
    ]))
    error_message = "The capacity of each index in additional_indexes must be a whole number of units, 1 or more."
  }

  validation {
    condition = alltrue(flatten([
      for indexes in values(var.additional_indexes) : [
        for index in try(values(indexes), []) :
        (try(index.warm_throughput.read, null) == null || try(index.warm_throughput.read >= 12000 && floor(index.warm_throughput.read) == index.warm_throughput.read, false))
        && (try(index.warm_throughput.write, null) == null || try(index.warm_throughput.write >= 4000 && floor(index.warm_throughput.write) == index.warm_throughput.write, false))
      ]
    ]))
    error_message = "The warm_throughput of an index in additional_indexes must be whole numbers: a read from 12000 on, a write from 4000 on."
  }

  validation {
    condition     = alltrue([for key, indexes in var.additional_indexes : try(length(indexes), 0) + length(try(local.described[key].indexes, {})) <= 20])
    error_message = "additional_indexes must leave a table with at most 20 indexes, those of the module included: DynamoDB makes no more."
  }
}

# Streams.

variable "enable_streams" {
  description = "Whether the tables have a stream of their changes. Replicated tables always have one, because replication needs it."
  type        = bool
  default     = false
  nullable    = false
}

variable "stream_view_type" {
  description = "What a stream records of a changed item: KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or NEW_AND_OLD_IMAGES."
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
  description = "Lambda functions to call with the changes of a table, by a name of your choice. Windows and ages are in seconds. A record must match one of the filter_patterns, which are JSON texts. With report_batch_item_failures the function returns which records it failed on. Records whose last attempt failed go to failure_destination_arn, a queue, a topic or a bucket."
  type = map(object({
    table                              = string
    function_arn                       = string
    starting_position                  = optional(string, "LATEST")
    batch_size                         = optional(number, 100)
    maximum_batching_window_in_seconds = optional(number, 0)
    parallelization_factor             = optional(number, 1)
    tumbling_window_in_seconds         = optional(number, 0)
    report_batch_item_failures         = optional(bool, false)
    filter_patterns                    = optional(list(string), [])
    maximum_retry_attempts             = optional(number, 10)
    maximum_record_age_in_seconds      = optional(number, 86400)
    failure_destination_arn            = optional(string)
  }))
  default  = {}
  nullable = false

  # The rules below pass over what is null: this is what refuses it.
  validation {
    condition     = !contains(flatten([for trigger in values(var.stream_triggers) : try([for name, value in trigger : value == null if name != "failure_destination_arn"], true)]), true)
    error_message = "No trigger of stream_triggers may be null, nor anything of it but failure_destination_arn: leave out what is not wanted."
  }

  validation {
    condition     = alltrue([for name in keys(var.stream_triggers) : can(regex("^[A-Za-z0-9_.-]{1,64}$", name))])
    error_message = "The name of each of stream_triggers must be 1 to 64 letters, digits, underscores, dots or hyphens: its alarm is named after it."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : try(contains(local.streamed_keys, trigger.table), trigger == null)])
    error_message = "The table of each of stream_triggers must be one that is made and has a stream: set enable_streams, and its create_..._table."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : trigger == null || can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]{1,128})?$", trigger.function_arn))])
    error_message = "The function_arn of each of stream_triggers must be the ARN of a function (arn:aws:lambda:REGION:ACCOUNT:function:NAME, a NAME of at most 64 characters), of a version or an alias."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : try(contains(["LATEST", "TRIM_HORIZON"], trigger.starting_position), true)])
    error_message = "The starting_position of each of stream_triggers must be LATEST or TRIM_HORIZON."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : try(trigger.batch_size >= 1 && trigger.batch_size <= 10000 && floor(trigger.batch_size) == trigger.batch_size, true)])
    error_message = "The batch_size of each of stream_triggers must be from 1 to 10000 records."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : try(contains(range(0, 301), trigger.maximum_batching_window_in_seconds), true)])
    error_message = "The maximum_batching_window_in_seconds of each of stream_triggers must be a whole number from 0 to 300."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : try(contains(range(1, 11), trigger.parallelization_factor), true)])
    error_message = "The parallelization_factor of each of stream_triggers must be from 1 to 10."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : try(contains(range(0, 901), trigger.tumbling_window_in_seconds), true)])
    error_message = "The tumbling_window_in_seconds of each of stream_triggers must be a whole number from 0, for none, to 900."
  }

  validation {
    condition     = alltrue(flatten([for trigger in values(var.stream_triggers) : [for pattern in try(trigger.filter_patterns, []) : can(keys(jsondecode(pattern))) && try(length(pattern) <= 4096, false)]]))
    error_message = "Each of the filter_patterns of stream_triggers must be the text of a JSON object, of at most 4096 characters."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : try(length(trigger.filter_patterns) <= 5, true)])
    error_message = "Each of stream_triggers must have at most 5 filter_patterns: Lambda takes no more."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : try(trigger.maximum_retry_attempts >= -1 && trigger.maximum_retry_attempts <= 10000 && floor(trigger.maximum_retry_attempts) == trigger.maximum_retry_attempts, true)])
    error_message = "The maximum_retry_attempts of each of stream_triggers must be a whole number from 0 to 10000, or -1 for no end."
  }

  validation {
    condition = alltrue([
      for trigger in values(var.stream_triggers) :
      try(trigger.maximum_record_age_in_seconds == -1 || (trigger.maximum_record_age_in_seconds >= 60 && trigger.maximum_record_age_in_seconds <= 604800 && floor(trigger.maximum_record_age_in_seconds) == trigger.maximum_record_age_in_seconds), true)
    ])
    error_message = "The maximum_record_age_in_seconds of each of stream_triggers must be a whole number from 60 to 604800, or -1 for no end."
  }

  validation {
    condition = alltrue([
      for trigger in values(var.stream_triggers) :
      try(trigger.failure_destination_arn, null) == null || can(regex("^arn:aws[a-z-]*:((sqs|sns):[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+|s3:::[a-z0-9.-]+)$", trigger.failure_destination_arn))
    ])
    error_message = "The failure_destination_arn of each of stream_triggers must be the ARN of an SQS queue, an SNS topic or an S3 bucket."
  }

  validation {
    condition     = alltrue([for trigger in values(var.stream_triggers) : !endswith(coalesce(try(trigger.failure_destination_arn, null), "-"), ".fifo")])
    error_message = "The failure_destination_arn of each of stream_triggers must not be a FIFO queue or topic: Lambda sends failures to none."
  }

  validation {
    condition = alltrue([
      for key in local.table_keys :
      length([for trigger in values(var.stream_triggers) : trigger if try(trigger.table, null) == key]) <= (contains(local.replicated_keys, key) ? 1 : 2)
    ])
    error_message = "stream_triggers must be at most 2 for a table, and 1 if it is replicated: more readers of a shard are throttled."
  }
}

# Global tables.

variable "enable_global_tables" {
  description = "Whether the tables have a replica in another region. The table of rate limits has none unless replicate_rate_limits is true."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.enable_global_tables || var.billing_mode == "PAY_PER_REQUEST"
    error_message = "enable_global_tables needs billing_mode PAY_PER_REQUEST: a replica is made together with its table, and AWS refuses it until the writes of the table are scaled, which can only be set up afterwards."
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
    condition     = var.replica_region == null || contains(local.regions, coalesce(var.replica_region, "-"))
    error_message = "replica_region must be the name of a region of AWS, such as eu-west-1."
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
  description = "Whether the table of rate limits has a replica too. Between regions the last writer wins, so limits admit more than they say: see the README."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.replicate_rate_limits || var.enable_global_tables
    error_message = "replicate_rate_limits needs enable_global_tables."
  }
}

variable "strongly_consistent_rate_limits" {
  description = "Multi-region strong consistency for the table of rate limits, which can be chosen only when the table is created: two replica_regions, or one and a witness_region, in the same set of regions as the table; replica_kms_key_arns by region. Such a table has no TTL."
  type = object({
    replica_regions      = list(string)
    witness_region       = optional(string)
    replica_kms_key_arns = optional(map(string), {})
  })
  default = null

  validation {
    condition = var.strongly_consistent_rate_limits == null || try(
      length(distinct(compact(var.strongly_consistent_rate_limits.replica_regions))) + length(compact([var.strongly_consistent_rate_limits.witness_region])) == 2
      && length(compact(var.strongly_consistent_rate_limits.replica_regions)) >= 1
      && length(var.strongly_consistent_rate_limits.replica_regions) == length(distinct(compact(var.strongly_consistent_rate_limits.replica_regions)))
      && !contains(var.strongly_consistent_rate_limits.replica_regions, coalesce(var.strongly_consistent_rate_limits.witness_region, "-")), false
    )
    error_message = "strongly_consistent_rate_limits needs exactly two replica_regions, or one and a witness_region, all different."
  }

  validation {
    condition     = var.strongly_consistent_rate_limits == null || !var.replicate_rate_limits
    error_message = "strongly_consistent_rate_limits can't be had with replicate_rate_limits: the replicas of a table are all strongly consistent, or none is."
  }

  validation {
    condition     = var.strongly_consistent_rate_limits == null || var.billing_mode == "PAY_PER_REQUEST"
    error_message = "strongly_consistent_rate_limits needs billing_mode PAY_PER_REQUEST, as enable_global_tables does."
  }

  validation {
    condition = var.strongly_consistent_rate_limits == null || alltrue([
      for region in try(compact(var.strongly_consistent_rate_limits.replica_regions), []) :
      (var.kms_key_arn == null) == (try(var.strongly_consistent_rate_limits.replica_kms_key_arns[region], null) == null)
    ])
    error_message = "strongly_consistent_rate_limits needs replica_kms_key_arns for each of its replica_regions if kms_key_arn is given, and only then."
  }

  validation {
    condition = alltrue([
      for region, arn in try(coalesce(var.strongly_consistent_rate_limits.replica_kms_key_arns, {}), {}) :
      contains(var.strongly_consistent_rate_limits.replica_regions, region) && can(regex("^arn:aws[a-z-]*:kms:${region}:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))
    ])
    error_message = "Each of the replica_kms_key_arns of strongly_consistent_rate_limits must be under one of its replica_regions, and the ARN of a key there: arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

# DAX.

variable "dax_tables" {
  description = "The tables that the role of a DAX cluster may use, for dax_policy_json. The module does not create the cluster."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for key in var.dax_tables : try(contains(local.created_keys, key), false)])
    error_message = "Each of dax_tables must be one that is made: media_metadata, user_sessions, notifications, conversations or single."
  }

  validation {
    condition     = !contains([for key in var.dax_tables : coalesce(key, "-")], "rate_limiting")
    error_message = "dax_tables must not have rate_limiting: a limiter only writes, on a condition, and DAX does nothing for that."
  }
}

# Watching.

variable "enable_alarms" {
  description = "Whether to create alarms for throttled requests, DynamoDB's own errors, and replicas that lag."
  type        = bool
  default     = true
  nullable    = false
}

variable "alarm_actions" {
  description = "The ARNs to notify when an alarm starts and when it ends, such as an SNS topic."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.alarm_actions : can(regex("^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9]+:.+$", arn))])
    error_message = "Each of alarm_actions must be the ARN of what an alarm can tell, such as arn:aws:sns:REGION:ACCOUNT:TOPIC."
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
    condition     = var.throttle_alarm_threshold >= 1 && floor(var.throttle_alarm_threshold) == var.throttle_alarm_threshold
    error_message = "throttle_alarm_threshold must be a whole number of events, 1 or more: with 0 the alarm would never be over."
  }
}

variable "iterator_age_alarm_threshold_ms" {
  description = "How far a function may be behind its stream, in milliseconds, before the alarm goes off, if that lasts three minutes of five. A stream keeps its records for a day."
  type        = number
  default     = 3600000
  nullable    = false

  validation {
    condition     = var.iterator_age_alarm_threshold_ms >= 1000 && var.iterator_age_alarm_threshold_ms < 86400000 && floor(var.iterator_age_alarm_threshold_ms) == var.iterator_age_alarm_threshold_ms
    error_message = "iterator_age_alarm_threshold_ms must be a whole number from 1000 ms to less than 86400000 ms: records are lost after a day."
  }
}

variable "replication_latency_alarm_threshold_ms" {
  description = "The time until a change is in the replica, in milliseconds, that sets off the alarm if it lasts three minutes of five."
  type        = number
  default     = 10000
  nullable    = false

  validation {
    condition     = var.replication_latency_alarm_threshold_ms >= 1000 && floor(var.replication_latency_alarm_threshold_ms) == var.replication_latency_alarm_threshold_ms
    error_message = "replication_latency_alarm_threshold_ms must be a whole number, 1000 ms or more: about a second is usual between regions."
  }
}

variable "contributor_insights_mode" {
  description = "Which keys CloudWatch counts by table and index: THROTTLED_KEYS, ACCESSED_AND_THROTTLED_KEYS, or null for none. CloudWatch bills each event."
  type        = string
  default     = null

  validation {
    condition     = var.contributor_insights_mode == null || contains(["THROTTLED_KEYS", "ACCESSED_AND_THROTTLED_KEYS"], coalesce(var.contributor_insights_mode, "none"))
    error_message = "contributor_insights_mode must be THROTTLED_KEYS, ACCESSED_AND_THROTTLED_KEYS or null."
  }
}

variable "enable_dashboard" {
  description = "Whether to create a CloudWatch dashboard with a row for each table: capacity, throttles, latency, and hot keys by contributor_insights_rules. CloudWatch bills it by the month."
  type        = bool
  default     = false
  nullable    = false
}

variable "contributor_insights_rules" {
  description = "The names of the rules that count the keys of a table, by table, for the dashboard. They contain the time of their creation; aws dynamodb describe-contributor-insights lists them."
  type        = map(list(string))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.contributor_insights_rules) : contains(local.table_keys, key)])
    error_message = "Each key of contributor_insights_rules must be one of media_metadata, user_sessions, notifications, conversations, rate_limiting and single."
  }

  validation {
    condition     = !contains(flatten([for rules in values(var.contributor_insights_rules) : [rules == null, [for rule in coalesce(rules, []) : !can(regex("^DynamoDBContributorInsights-", rule))]]]), true)
    error_message = "Each of contributor_insights_rules must be a list of names that begin with DynamoDBContributorInsights-."
  }
}
