"""Webhooks in, events out: one module a source verifies what comes and says it in the contract's words."""
