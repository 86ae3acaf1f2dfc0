"""Judging recorded events without Kafka, and turning other systems' logs into such events."""
