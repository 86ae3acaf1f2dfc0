"""History, asked of a source page by page: each fact as the webhook that would have told it."""
