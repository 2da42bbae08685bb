"""Each route of the server's API, and a call that uses the route."""

from collections.abc import Callable
from typing import Any

from pocketbase_core import FileUpload, PocketBase, PocketBaseError

from .shared_collections import FIELDS


def batch_of_one(pb: PocketBase) -> Any:
    """Make a batch with a single create."""
    batch = pb.create_batch()
    batch.collection("posts").create({})
    return batch


def end_sign_in(url: str) -> None:
    """End a sign-in where the browser would open: all its requests are sent by then."""
    raise PocketBaseError(url)


C = "/api/collections"
U = f"{C}/users"
ROUTES: list[tuple[str, Callable[[Any], Any]]] = [
    ("GET /api/health", lambda pb: pb.health.check()),
    (f"POST {C}", lambda pb: pb.collections.create({"name": "made", "type": "base", "fields": FIELDS})),
    (f"GET {C}", lambda pb: pb.collections.get_list()),
    (f"GET {C}", lambda pb: pb.collections.get_full_list()),
    (f"GET {C}", lambda pb: pb.collections.get_first()),
    (f"GET {C}/made", lambda pb: pb.collections.get_one("made")),
    (f"PATCH {C}/made", lambda pb: pb.collections.update("made", {"listRule": ""})),
    (f"DELETE {C}/made/truncate", lambda pb: pb.collections.truncate("made")),
    (f"DELETE {C}/made", lambda pb: pb.collections.delete("made")),
    (
        f"PUT {C}/import",
        lambda pb: pb.collections.import_collections([{"name": "more", "type": "base", "fields": FIELDS}]),
    ),
    (f"GET {C}/meta/scaffolds", lambda pb: pb.collections.get_scaffolds()),
    (f"GET {C}/meta/oauth2-providers", lambda pb: pb.collections.get_all_oauth2_providers()),
    (f"POST {C}/meta/dry-run-view", lambda pb: pb.collections.dry_run_view_query("select id from users")),
    (f"POST {C}/posts/records", lambda pb: pb.collection("posts").create({"id": "abcdefghijklmno"})),
    (f"GET {C}/posts/records", lambda pb: pb.collection("posts").get_list()),
    (f"GET {C}/posts/records", lambda pb: pb.collection("posts").get_first()),
    (f"GET {C}/posts/records/abcdefghijklmno", lambda pb: pb.collection("posts").get_one("abcdefghijklmno")),
    (f"PATCH {C}/posts/records/abcdefghijklmno", lambda pb: pb.collection("posts").update("abcdefghijklmno", {})),
    (f"DELETE {C}/posts/records/abcdefghijklmno", lambda pb: pb.collection("posts").delete("abcdefghijklmno")),
    (f"GET {U}/auth-methods", lambda pb: pb.collection("users").auth.methods()),
    (f"POST {U}/auth-with-password", lambda pb: pb.collection("users").auth.with_password("a", "b")),
    (f"POST {U}/auth-with-oauth2", lambda pb: pb.collection("users").auth.with_oauth2({"provider": "x", "code": "y"})),
    (f"POST {U}/request-otp", lambda pb: pb.collection("users").auth.request_otp("a@example.com")),
    (f"POST {U}/auth-with-otp", lambda pb: pb.collection("users").auth.with_otp("a", "b")),
    (f"POST {U}/request-password-reset", lambda pb: pb.collection("users").auth.request_password_reset("a@b.example")),
    (f"POST {U}/confirm-password-reset", lambda pb: pb.collection("users").auth.confirm_password_reset("t", "p")),
    (f"POST {U}/request-verification", lambda pb: pb.collection("users").auth.request_verification("a@b.example")),
    (f"POST {U}/confirm-verification", lambda pb: pb.collection("users").auth.confirm_verification("t")),
    (f"POST {U}/request-email-change", lambda pb: pb.collection("users").auth.request_email_change("a@b.example")),
    (f"POST {U}/confirm-email-change", lambda pb: pb.collection("users").auth.confirm_email_change("t", "p")),
    (f"POST {C}/_superusers/auth-refresh", lambda pb: pb.admins.auth.refresh()),
    (f"POST {C}/_superusers/impersonate/ME", lambda pb: pb.admins.auth.impersonate(pb.auth_store.record["id"], 60)),
    ("GET /api/realtime", lambda pb: pb.collection("users").auth.with_oauth2_browser("oidc", end_sign_in)),
    ("POST /api/realtime", lambda pb: pb.collection("users").auth.with_oauth2_browser("oidc", end_sign_in)),
    ("GET /api/settings", lambda pb: pb.settings.get_all()),
    ("PATCH /api/settings", lambda pb: pb.settings.update({"meta": {"appName": "App"}})),
    ("POST /api/settings/test/s3", lambda pb: pb.settings.test_s3("backups")),
    ("POST /api/settings/test/email", lambda pb: pb.settings.test_email("users", "a@b.example", "verification")),
    (
        "POST /api/settings/apple/generate-client-secret",
        lambda pb: pb.settings.generate_apple_client_secret("a", "b", "c", "d", 1),
    ),
    ("POST /api/batch", lambda pb: batch_of_one(pb).send()),
    ("POST /api/files/token", lambda pb: pb.files.get_token()),
    (
        "GET /api/files/posts/abcdefghijklmno/a.txt",
        lambda pb: pb.files.download_file("posts", "abcdefghijklmno", "a.txt"),
    ),
    ("GET /api/logs", lambda pb: pb.logs.get_list()),
    ("GET /api/logs/stats", lambda pb: pb.logs.get_stats()),
    ("GET /api/logs/abc", lambda pb: pb.logs.get_one("abc")),
    ("DELETE /api/logs", lambda pb: pb.logs.truncate()),
    ("GET /api/crons", lambda pb: pb.crons.get_full_list()),
    ("POST /api/crons/__pbLogsCleanup__", lambda pb: pb.crons.run("__pbLogsCleanup__")),
    ("POST /api/sql", lambda pb: pb.sql.run("select 1")),
    ("POST /api/backups", lambda pb: pb.backups.create("b.zip")),
    ("GET /api/backups", lambda pb: pb.backups.get_full_list()),
    ("GET /api/backups/b.zip", lambda pb: pb.backups.download("b.zip")),
    ("POST /api/backups/upload", lambda pb: pb.backups.upload(FileUpload(("c.zip", b"no zip")))),
    ("DELETE /api/backups/b.zip", lambda pb: pb.backups.delete("b.zip")),
    ("POST /api/backups/missing.zip/restore", lambda pb: pb.backups.restore("missing.zip")),
]
"""`METHOD /path`, where `ME` stands for the id of the signed-in user, and the call. Some paths come several times."""
