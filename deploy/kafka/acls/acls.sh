#!/bin/sh
# What each principal of Vigil may do on Kafka, and no more. Generated: `vigil topics acls` prints it for your
# own settings, `python -m engine.stream.rights` writes the file in deploy/kafka/acls.
#
#   KAFKA_ACLS="kafka-acls.sh --bootstrap-server broker:9093 --command-config admin.properties" sh acls.sh
set -eu
: "${KAFKA_ACLS:?the command, with the address and the properties of an administrator}"

# shellcheck disable=SC2086  # KAFKA_ACLS is a command with its options
allow() { principal=$1; shift; $KAFKA_ACLS --add --allow-principal "User:$principal" "$@"; }

# worker: vigil worker, vigil doctor
allow vigil-worker --operation Read --group vigil
allow vigil-worker --operation Read --operation DescribeConfigs --topic vigil.tickets.v1
allow vigil-worker --operation Read --operation DescribeConfigs --topic vigil.incidents.v1
allow vigil-worker --operation Read --operation Write --operation DescribeConfigs --topic vigil.commands.v1
allow vigil-worker --operation Read --operation Write --operation DescribeConfigs --topic vigil-escalations-changelog
allow vigil-worker --operation Write --operation DescribeConfigs --topic vigil.outcomes.v1
allow vigil-worker --operation Write --operation DescribeConfigs --topic vigil.dlq.v1
allow vigil-worker --operation Write --transactional-id vigil- --resource-pattern-type prefixed

# intake: vigil intake run, vigil intake backfill
allow vigil-intake --operation Write --topic vigil.tickets.v1
allow vigil-intake --operation Write --topic vigil.incidents.v1
allow vigil-intake --operation Write --topic vigil.dlq.v1

# producer: vigil send, your own producers
allow vigil-producer --operation Write --topic vigil.tickets.v1
allow vigil-producer --operation Write --topic vigil.incidents.v1

# archive: vigil archive run, rebuild
allow vigil-archive --operation Read --topic vigil.tickets.v1
allow vigil-archive --operation Read --topic vigil.incidents.v1
allow vigil-archive --operation Read --topic vigil.outcomes.v1

# reader: people: vigil standing, explain, backtest, pir and the documents
allow vigil-reader --operation Read --topic vigil.tickets.v1
allow vigil-reader --operation Read --topic vigil.incidents.v1
allow vigil-reader --operation Read --topic vigil.outcomes.v1

# console: vigil console
allow vigil-console --operation Read --topic vigil.tickets.v1
allow vigil-console --operation Read --topic vigil.incidents.v1
allow vigil-console --operation Read --topic vigil.outcomes.v1
allow vigil-console --operation Read --topic vigil-escalations-changelog
allow vigil-console --operation Write --topic vigil.tickets.v1
allow vigil-console --operation Describe --group vigil

# notify: vigil notify run
allow vigil-notify --operation Read --topic vigil.outcomes.v1

# consumer: what you write to act on outcomes, with a consumer group of its own
allow vigil-consumer --operation Read --topic vigil.outcomes.v1
allow vigil-consumer --operation Read --group vigil-consumer

# admin: vigil topics create, vigil topics check
allow vigil-admin --operation Create --operation Describe --operation DescribeConfigs --topic vigil.tickets.v1
allow vigil-admin --operation Create --operation Describe --operation DescribeConfigs --topic vigil.incidents.v1
allow vigil-admin --operation Create --operation Describe --operation DescribeConfigs --topic vigil.commands.v1
allow vigil-admin --operation Create --operation Describe --operation DescribeConfigs --topic vigil.outcomes.v1
allow vigil-admin --operation Create --operation Describe --operation DescribeConfigs --topic vigil.dlq.v1
allow vigil-admin --operation Create --operation Describe --operation DescribeConfigs --topic vigil-escalations-changelog
