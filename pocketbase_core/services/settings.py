"""The settings of the server, for superusers."""

from collections.abc import Mapping
from typing import Any, Unpack

from ..calls.options import CommonOptions, RecordOptions, parse_options
from ..endpoints import settings
from ..pipeline import Pipeline


class SettingsService:
    """The server's settings."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def get_all(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> dict[str, Any]:
        """Return all settings, with secrets redacted."""
        return await self._pipeline.execute(settings.get_all(parse_options(RecordOptions, options, keywords)))

    async def update(
        self, body: Mapping[str, Any], options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> dict[str, Any]:
        """Change some settings, and return all."""
        return await self._pipeline.execute(settings.update(body, parse_options(RecordOptions, options, keywords)))

    async def test_s3(
        self,
        filesystem: str = "storage",
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[CommonOptions],
    ) -> None:
        """Try the S3 settings of `storage` or `backups`."""
        await self._pipeline.execute(settings.test_s3(filesystem, parse_options(CommonOptions, options, keywords)))

    async def test_email(
        self,
        collection: str,
        to_email: str,
        template: str,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[CommonOptions],
    ) -> None:
        """Send a collection's e-mail: `verification`, `password-reset`, `email-change`, `otp` or `login-alert`."""
        request_options = parse_options(CommonOptions, options, keywords)
        await self._pipeline.execute(settings.test_email(collection, to_email, template, request_options))

    async def generate_apple_client_secret(
        self,
        client_id: str,
        team_id: str,
        key_id: str,
        private_key: str,
        duration: int,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[CommonOptions],
    ) -> dict[str, Any]:
        """Return `{"secret"}` for signing in with Apple; `duration` is in seconds."""
        request_options = parse_options(CommonOptions, options, keywords)
        return await self._pipeline.execute(
            settings.generate_apple_client_secret(client_id, team_id, key_id, private_key, duration, request_options)
        )
