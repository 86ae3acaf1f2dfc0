"""Outcomes → alerts: routed, and delivered so that each is seen once and goes when it is over."""
