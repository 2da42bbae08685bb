"""The dates in headers."""

from datetime import UTC

from ..concurrency.event_loops import start_lock


def parse_http_date(value: str) -> float | None:
    """Return a date of a header in seconds since the epoch (RFC 9110, 5.6.7); None if it is not valid.

    A date without a time zone is UTC.
    """
    with start_lock:
        from email.utils import parsedate_to_datetime  # here, because it imports many modules that nothing else needs
    try:
        date = parsedate_to_datetime(value)
        return (date.replace(tzinfo=UTC) if date.tzinfo is None else date).timestamp()
    except (ValueError, OverflowError):
        return None
