"""The server itself, for superusers: settings, logs, cron jobs, SQL."""

from collections.abc import Mapping
from typing import Any, Unpack

from ..calls.call import Executor
from ..calls.options import CommonOptions, ListOptions, RecordOptions, read
from ..endpoints import server
from ..endpoints.pages import Page


class SettingsService:
    """The server's settings."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def get_all(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> dict[str, Any]:
        """Return all settings, with secrets redacted."""
        return await self._executor.execute(server.get_settings(read(RecordOptions, options, keywords)))

    async def update(
        self, body: Mapping[str, Any], options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> dict[str, Any]:
        """Change some settings, and return all."""
        return await self._executor.execute(server.update_settings(body, read(RecordOptions, options, keywords)))

    async def test_s3(
        self,
        filesystem: str = "storage",
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[CommonOptions],
    ) -> None:
        """Try the S3 settings of `storage` or `backups`."""
        await self._executor.execute(server.test_s3(filesystem, read(CommonOptions, options, keywords)))

    async def test_email(
        self,
        collection: str,
        to_email: str,
        template: str,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[CommonOptions],
    ) -> None:
        """Send a collection's e-mail: `verification`, `password-reset`, `email-change`, `otp` or `login-alert`."""
        settings = read(CommonOptions, options, keywords)
        await self._executor.execute(server.test_email(collection, to_email, template, settings))

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
        settings = read(CommonOptions, options, keywords)
        return await self._executor.execute(
            server.generate_apple_client_secret(client_id, team_id, key_id, private_key, duration, settings)
        )


class LogService:
    """The server's own log of requests."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def get_list(
        self,
        page: int = 1,
        per_page: int = 30,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[ListOptions],
    ) -> Page[dict[str, Any]]:
        """Return one page of log entries."""
        return await self._executor.execute(server.get_logs(page, per_page, read(ListOptions, options, keywords)))

    async def get_one(
        self, log_id: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> dict[str, Any]:
        """Return one log entry."""
        return await self._executor.execute(server.get_log(log_id, read(RecordOptions, options, keywords)))

    async def get_stats(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[ListOptions]
    ) -> list[dict[str, Any]]:
        """Return the numbers of entries per hour: `[{"date", "total"}]`."""
        return await self._executor.execute(server.get_log_stats(read(ListOptions, options, keywords)))

    async def truncate(self, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]) -> None:
        """Delete all entries (PocketBase 0.40 and newer)."""
        await self._executor.execute(server.truncate_logs(read(CommonOptions, options, keywords)))


class CronService:
    """The server's cron jobs (PocketBase 0.24 and newer)."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def get_full_list(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> list[dict[str, Any]]:
        """Return all jobs: `[{"id", "expression"}]`."""
        return await self._executor.execute(server.get_crons(read(RecordOptions, options, keywords)))

    async def run(
        self, job_id: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> None:
        """Start a job now; it runs on in the server."""
        await self._executor.execute(server.run_cron(job_id, read(CommonOptions, options, keywords)))


class SqlService:
    """SQL on the server's database (PocketBase 0.39 and newer)."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def run(
        self, query: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> dict[str, Any]:
        """Run a query, and return `{"columns", "rows", "affectedRows", "execTime"}`, with values as text.

        The query is not escaped: put no input of users into it.
        """
        return await self._executor.execute(server.run_sql(query, read(CommonOptions, options, keywords)))
