"""The settings of the server, for superusers."""

from collections.abc import Mapping
from typing import Any, Unpack

from ..calls.call import Call
from ..calls.options import CommonOptions, OptionsArg, RecordOptions, parse_options
from ..endpoints import settings
from .faces import AsyncFace, endpoint


class SettingsService(AsyncFace):
    """The server's settings."""

    @endpoint
    def get_all(self, options: OptionsArg = None, **keywords: Unpack[RecordOptions]) -> Call[dict[str, Any]]:
        """Return all settings, with secrets redacted."""
        return settings.get_all(parse_options(RecordOptions, options, keywords))

    @endpoint
    def update(
        self, body: Mapping[str, Any], options: OptionsArg = None, **keywords: Unpack[RecordOptions]
    ) -> Call[dict[str, Any]]:
        """Change some settings, and return all."""
        return settings.update(body, parse_options(RecordOptions, options, keywords))

    @endpoint
    def test_s3(
        self,
        filesystem: str = "storage",
        options: OptionsArg = None,
        **keywords: Unpack[CommonOptions],
    ) -> Call[None]:
        """Try the S3 settings of `storage` or `backups`."""
        return settings.test_s3(filesystem, parse_options(CommonOptions, options, keywords))

    @endpoint
    def test_email(
        self,
        collection: str,
        to_email: str,
        template: str,
        options: OptionsArg = None,
        **keywords: Unpack[CommonOptions],
    ) -> Call[None]:
        """Send a collection's e-mail: `verification`, `password-reset`, `email-change`, `otp` or `login-alert`."""
        request_options = parse_options(CommonOptions, options, keywords)
        return settings.test_email(collection, to_email, template, request_options)

    @endpoint
    def generate_apple_client_secret(
        self,
        client_id: str,
        team_id: str,
        key_id: str,
        private_key: str,
        duration: int,
        options: OptionsArg = None,
        **keywords: Unpack[CommonOptions],
    ) -> Call[dict[str, Any]]:
        """Return `{"secret"}` for signing in with Apple; `duration` is in seconds."""
        request_options = parse_options(CommonOptions, options, keywords)
        return settings.generate_apple_client_secret(client_id, team_id, key_id, private_key, duration, request_options)
