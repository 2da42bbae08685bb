"""The decision whether a token is to be refreshed now."""

REFRESH_MARGIN = 60.0
"""Seconds before its expiry from which on a token is refreshed."""
RETRY_PAUSE = 5.0
"""Seconds from a failed refresh to the next attempt with the same token."""


class RefreshSchedule:
    """The results of earlier refreshes, which decide when the next one is due. Every time is an argument.

    Each fact is about one token. A token that the facts are not about is refreshed in its last 60 seconds.
    """

    def __init__(self) -> None:
        self._margin = REFRESH_MARGIN
        self._margin_token = ""
        """The token that `_margin` is for: the result of the last refresh, or the last one that the server refused."""
        self._retry_at = 0.0
        self._failed_token = ""
        """The token whose refresh failed, and which is not refreshed again before `_retry_at`."""

    def is_due(self, token: str, expires: float | None, now: float, loop_time: float) -> bool:
        """Return whether to refresh a token now. PocketBase does not refresh a token that has expired.

        Args:
            token: The token.
            expires: The token's expiry in seconds since the epoch; None for a token that cannot be refreshed.
            now: The time in seconds since the epoch.
            loop_time: The time of the running event loop, in seconds.
        """
        margin = self._margin if token == self._margin_token else REFRESH_MARGIN
        if expires is None or not now < expires <= now + margin:
            return False
        return token != self._failed_token or loop_time >= self._retry_at

    def succeeded(self, token: str, lifetime: float) -> None:
        """Note the token that a refresh resulted in, and how many seconds it lives.

        A server may issue tokens that live for less than a minute: these are refreshed after half of their lifetime.
        """
        self._margin_token = token
        self._margin = min(REFRESH_MARGIN, lifetime / 2)

    def refused(self, token: str) -> None:
        """Note that the server refused to refresh a token: there is no second attempt."""
        self._margin_token, self._margin = token, 0.0

    def failed(self, token: str, loop_time: float) -> None:
        """Note that a refresh failed for another reason: the next attempt is five seconds later."""
        self._failed_token, self._retry_at = token, loop_time + RETRY_PAUSE
