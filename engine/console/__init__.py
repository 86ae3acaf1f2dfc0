"""The web page and API: what is due, why, and what to do about it."""
