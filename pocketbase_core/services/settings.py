"""The settings of the server, for superusers."""

from collections.abc import Mapping
from typing import Any, Unpack

from ..calls.call import Call
from ..calls.options import CommonOptions, OptionsArg, RecordOptions, parse_options
from ..endpoints import settings
from ..faces import AsyncFace, ServiceMethods, endpoint


class SettingsMethods(ServiceMethods):
    """The settings of the server."""

    @endpoint
    def get_all(self, options: OptionsArg = None, **keywords: Unpack[RecordOptions]) -> Call[dict[str, Any]]:
        """Return all settings, with secrets redacted.

        Options: `expand`, `fields`, `params`, `headers`, `timeout`.
        """
        return settings.get_all(parse_options(RecordOptions, options, keywords))

    @endpoint
    def update(
        self, body: Mapping[str, Any], options: OptionsArg = None, **keywords: Unpack[RecordOptions]
    ) -> Call[dict[str, Any]]:
        """Change some settings, and return all settings.

        Options: `expand`, `fields`, `params`, `headers`, `timeout`.
        """
        return settings.update(body, parse_options(RecordOptions, options, keywords))

    @endpoint
    def test_s3(
        self,
        filesystem: str = "storage",
        options: OptionsArg = None,
        **keywords: Unpack[CommonOptions],
    ) -> Call[None]:
        """Test the S3 settings of `storage` or `backups`; raise PocketBaseBadRequestError if they do not work.

        Options: `params`, `headers`, `timeout`.
        """
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
        """Send a test e-mail.

        Options: `params`, `headers`, `timeout`.

        Args:
            collection: The auth collection whose template is sent.
            to_email: The address to send to.
            template: `verification`, `password-reset`, `email-change`, `otp` or `login-alert`.
            options: The options as a dict.
            **keywords: The options as keyword arguments.
        """
        parsed = parse_options(CommonOptions, options, keywords)
        return settings.test_email(collection, to_email, template, parsed)

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
        """Return `{"secret"}`, a client secret for Sign in with Apple.

        Options: `params`, `headers`, `timeout`.

        Args:
            client_id: The service id of the application.
            team_id: The id of the developer team, of 10 characters.
            key_id: The id of the key, of 10 characters.
            private_key: The private key in PEM form.
            duration: The life of the secret in seconds, at most 15777000.
            options: The options as a dict.
            **keywords: The options as keyword arguments.
        """
        parsed = parse_options(CommonOptions, options, keywords)
        return settings.generate_apple_client_secret(client_id, team_id, key_id, private_key, duration, parsed)


class SettingsService(SettingsMethods, AsyncFace):
    """The settings of the server."""
