"""What a test has instead of the end of the process."""


class Ended(BaseException):
    """Raised in its place, with the code."""
