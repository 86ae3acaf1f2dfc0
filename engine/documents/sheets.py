"""Cells of CSV, as spreadsheets read them."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula may begin with (OWASP, CSV injection); the last four are these signs in full width."""


def cell(value: object) -> object:
    """Text that a spreadsheet would take for a formula gets a `'` before it: customers write titles and
    names. Anything else is as it was."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return value
