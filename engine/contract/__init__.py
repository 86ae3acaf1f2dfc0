"""What crosses Kafka: envelope, events, commands, outcomes, dead letters. `schemas/` is generated from it."""
