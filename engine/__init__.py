"""Vigil: an event-driven SLA and escalation engine. Every obligation is a clock."""

__version__ = "0.1.0"
