"""Outcomes → alerts: what is wrong now, routed, and delivered so that it is seen once and goes when it is over."""
