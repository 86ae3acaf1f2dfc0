"""One module a receiver: an alert in the words and within the limits of the other side."""
