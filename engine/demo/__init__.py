"""The demo: a broker found or started, a story of events, and a live view of what the engine says."""
