locals {
  # The truth about the tables: everything else is made from this map. createdAt of media and
  # updatedAt of conversations are texts, 2024-01-15T10:30:00Z; other instants are numbers since the
  # epoch. An item that lacks an attribute of an index is not in it: that makes an index sparse.
  described = {
    media_metadata = {
      create    = var.create_media_metadata_table
      suffix    = "media-metadata"
      hash_key  = { name = "mediaId", type = "S" }
      range_key = null
      ttl       = var.enable_media_metadata_ttl
      indexes = {
        "userId-createdAt-index" = {
          hash_key   = { name = "userId", type = "S" }
          range_key  = { name = "createdAt", type = "S" }
          projection = "ALL"
        }
      }
    }
    user_sessions = {
      create    = var.create_user_sessions_table
      suffix    = "user-sessions"
      hash_key  = { name = "sessionId", type = "S" }
      range_key = { name = "userId", type = "S" }
      ttl       = true
      indexes = {
        # Sparse: only sessions of somebody who has logged in have an owner. Only keys: a touch
        # of lastSeenAt would else be written twice.
        "ownerId-createdAt-index" = {
          hash_key   = { name = "ownerId", type = "S" }
          range_key  = { name = "createdAt", type = "N" }
          projection = "KEYS_ONLY"
        }
      }
    }
    notifications = {
      create = var.create_notifications_table
      suffix = "notifications"
      # The range is a ULID: in order of time, and unique.
      hash_key  = { name = "userId", type = "S" }
      range_key = { name = "notificationId", type = "S" }
      ttl       = true
      indexes = {
        # Sparse: unreadAt is removed when a notification is read.
        "userId-unreadAt-index" = {
          hash_key   = { name = "userId", type = "S" }
          range_key  = { name = "unreadAt", type = "N" }
          projection = "ALL"
        }
      }
    }
    conversations = {
      create    = var.create_conversations_table
      suffix    = "conversations"
      hash_key  = { name = "conversationId", type = "S" }
      range_key = { name = "messageId", type = "S" }
      ttl       = false
      indexes = {
        # Sparse: a list can't be a key, so a conversation has an item for each participant beside
        # its messages, and only those have participantId and updatedAt.
        "participant-updatedAt-index" = {
          hash_key   = { name = "participantId", type = "S" }
          range_key  = { name = "updatedAt", type = "S" }
          projection = "ALL"
        }
      }
    }
    rate_limiting = {
      create    = var.create_rate_limiting_table
      suffix    = "rate-limits"
      hash_key  = { name = "key", type = "S" }
      range_key = null
      # DynamoDB has no TTL for tables that are strongly consistent between regions.
      ttl     = var.strongly_consistent_rate_limits == null
      indexes = {}
    }
    single = {
      create    = var.create_single_table
      suffix    = "app-data"
      hash_key  = { name = "PK", type = "S" }
      range_key = { name = "SK", type = "S" }
      ttl       = true
      indexes   = {}
    }
  }

  ttl_attribute = "expiresAt"

  # Names of attributes are at most 255 bytes, and length() counts characters.
  base64_of_255_bytes = 340

  # Known without the tables, for the validations of variables.
  table_keys   = keys(local.described)
  created_keys = [for key, table in local.described : key if table.create]
  # Those with a replica that is eventually consistent.
  replicated_keys = [
    for key in local.created_keys : key
    if var.enable_global_tables && coalesce(try(var.table_settings[key].replicated, null), key != "rate_limiting" || (var.replicate_rate_limits && var.strongly_consistent_rate_limits == null))
  ]
  streamed_keys = [
    for key in local.created_keys : key
    if coalesce(try(var.table_settings[key].stream, null), var.enable_streams) || contains(local.replicated_keys, key)
  ]

  name_start  = "${var.name_prefix}-${var.environment}"
  table_names = { for key in local.created_keys : key => "${local.name_start}-${local.described[key].suffix}" }

  # Numbers in the items of the limiter and of sessions. DynamoDB refuses every write of an item in
  # which the key of an index has another type.
  written_numbers = {
    rate_limiting = ["activeNs", "leasedUntil", "writes"]
    user_sessions = ["lastSeenAt", "version"]
  }

  # The attributes whose type is known: those that a table of the module, and its own indexes, are
  # keyed by, its TTL, and what the library writes.
  described_attributes = {
    for key, table in local.described : key => [
      for attribute in concat(
        [table.hash_key, table.range_key],
        flatten([for index in values(table.indexes) : [index.hash_key, index.range_key]]),
        [for name in concat([local.ttl_attribute], lookup(local.written_numbers, key, [])) : { name = name, type = "N" }],
      ) : { name = attribute.name, type = attribute.type } if attribute != null
    ]
  }

  # Multi-region strong consistency is had within one of these sets of regions only.
  strong_region_sets = [
    ["us-east-1", "us-east-2", "us-west-2"],
    ["eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3"],
    ["ap-northeast-1", "ap-northeast-2", "ap-northeast-3"],
  ]

  tables = {
    for key, table in local.described : key => {
      name       = local.table_names[key]
      hash_key   = table.hash_key
      range_key  = table.range_key
      attributes = { for attribute in [table.hash_key, table.range_key] : attribute.name => attribute.type if attribute != null }
      ttl        = table.ttl
      class      = lookup(var.table_classes, key, "STANDARD")
      # A bound on neither is none.
      maximum = try([for maximum in [var.on_demand_maximum_throughput[key]] : maximum if maximum.read != null || maximum.write != null][0], null)
      warm    = try([for warm in [var.warm_throughput[key]] : warm if warm.read != null || warm.write != null][0], null)
      restore = lookup(var.restore_tables, key, null)
      import  = lookup(var.import_tables, key, null)
      # Whether it is filled when it is made.
      from_elsewhere = contains(keys(merge(var.restore_tables, var.import_tables)), key)

      streamed = contains(local.streamed_keys, key)

      point_in_time_recovery = coalesce(try(var.table_settings[key].point_in_time_recovery, null), var.enable_point_in_time_recovery)
      deletion_protection    = coalesce(try(var.table_settings[key].deletion_protection, null), var.enable_deletion_protection)

      strong         = key == "rate_limiting" && var.strongly_consistent_rate_limits != null
      witness_region = key == "rate_limiting" ? try(compact([var.strongly_consistent_rate_limits.witness_region])[0], null) : null
      replicas = {
        for region, replica in(
          contains(local.replicated_keys, key)
          ? { for region in compact([var.replica_region]) : region => { kms_key_arn = var.replica_kms_key_arn, consistency_mode = "EVENTUAL" } }
          : key == "rate_limiting" ? local.strong_replicas : {}
        ) : region => replica
      }
    }
    if table.create
  }

  strong_replicas = {
    for region in try(var.strongly_consistent_rate_limits.replica_regions, []) : region => {
      kms_key_arn      = lookup(var.strongly_consistent_rate_limits.replica_kms_key_arns, region, null)
      consistency_mode = "STRONG"
    }
  }

  # By "table/index", which no table's or index's name can be mistaken for.
  indexes = merge([
    for key in local.created_keys : {
      for name, index in merge(local.described[key].indexes, lookup(var.additional_indexes, key, {})) : "${key}/${name}" => {
        table              = key
        name               = name
        keys               = [for kind, attribute in { HASH = index.hash_key, RANGE = index.range_key } : merge(attribute, { kind = kind }) if attribute != null]
        projection         = index.projection
        non_key_attributes = try(index.non_key_attributes, [])
        read_capacity      = coalesce(try(index.read_capacity, null), var.read_capacity)
        write_capacity     = coalesce(try(index.write_capacity, null), var.write_capacity)
        warm               = try([for warm in [index.warm_throughput] : warm if warm.read != null || warm.write != null][0], null)
      }
    }
  ]...)

  provisioned = var.billing_mode == "PROVISIONED"
}
