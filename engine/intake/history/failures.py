"""Why history cannot be loaded: each with a reason that programs can tell apart."""


class HistoryFailed(Exception):
    """The load ends here; where it stands is kept, and the next start goes on from there."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class HistoryRefused(HistoryFailed):
    """The source will not give it, however often it is asked: wrong_credentials, not_allowed, not_found,
    bad_query, cursor_expired, cursor_stuck; or ours to mend: state_of_another, state_unreadable, in_use."""


class HistoryUnreadable(HistoryFailed):
    """The source answers what is none of its pages: bad_page, too_large."""


class HistoryAway(HistoryFailed):
    """The source did not answer for as long as one waits: unreachable, rate_limited."""


class Stopped(Exception):
    """Somebody ended the load while it waited for the source."""


class CursorExpired(Exception):
    """The place to go on from is no longer known to the source; what it said is in the text."""
