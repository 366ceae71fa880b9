#!/bin/sh
# Creates the topic of the event log, unless it is there. A frontend does so, too, with the same settings but the
# replicas; here they are in the open, for a cluster of several brokers or one where only an administrator may do it.
#
#   BROKERS=kafka:9092 REPLICAS=3 sh create-topic.sh
#
# Needs kafka-topics.sh of Kafka, from the PATH or named by KAFKA_TOPICS.
set -eu

# A key stays in its partition, so the number cannot be changed once there is data: give the same --partitions everywhere.
# It bounds how many processors work at a time.
PARTITIONS=${PARTITIONS:-10}
REPLICAS=${REPLICAS:-1}
# An acknowledged tag is on this many brokers; one less than the replicas lets a broker fail.
MIN_INSYNC=${MIN_INSYNC:-$((REPLICAS > 1 ? REPLICAS - 1 : 1))}
# How long the processors may be away. Kafka forgets by time and size, processed or not: watch millrace_lag_seconds.
RETENTION_MS=${RETENTION_MS:-86400000}
# The same by size, of each partition.
RETENTION_BYTES=${RETENTION_BYTES:-2000000000}

"${KAFKA_TOPICS:-kafka-topics.sh}" --bootstrap-server "${BROKERS:-localhost:9092}" \
  --create --if-not-exists --topic "${TOPIC:-tags}" \
  --partitions "$PARTITIONS" --replication-factor "$REPLICAS" \
  --config "min.insync.replicas=$MIN_INSYNC" \
  --config "retention.ms=$RETENTION_MS" \
  --config "retention.bytes=$RETENTION_BYTES" \
  --config cleanup.policy=delete \
  --config message.timestamp.type=CreateTime \
  --config max.message.bytes=2097152
