"""Notes of many users on Flask: one client for the process, and a light client for each visitor."""

import atexit
import os
from typing import Any

from flask import Flask, Response, after_this_request, g, request

from pocketbase_core import AuthStore, PocketBaseError, PocketBaseInputError
from pocketbase_core.blocking import PocketBase

pb = PocketBase(os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090"))
atexit.register(pb.close)
app = Flask(__name__)


@app.before_request
def open_client() -> None:
    """Make a client with the token from the visitor's cookie. It shares the connections of the process."""
    store = AuthStore()
    store.load_from_cookie(request.headers.get("Cookie"))

    def change(token: str, record: object) -> None:
        """Send a new cookie after a sign-in, a refresh of the token, or a sign-out."""

        @after_this_request
        def set_cookie(response: Response) -> Response:
            response.headers["Set-Cookie"] = store.export_to_cookie()
            return response

    store.on_change(change)
    g.pb = pb.with_auth_store(store)


@app.teardown_request
def close_client(_: BaseException | None) -> None:
    g.pb.close()


@app.errorhandler(PocketBaseInputError)
def invalid(error: PocketBaseInputError) -> tuple[dict[str, Any], int]:
    """Tell the visitor which value cannot be sent to PocketBase, such as a text with NUL."""
    return {"message": str(error)}, 400


@app.errorhandler(PocketBaseError)
def refused(error: PocketBaseError) -> tuple[dict[str, Any], int]:
    """Pass on PocketBase's 4xx errors. Any other failure becomes a 502."""
    return {"message": error.message, "fields": error.field_errors}, error.status if 400 <= error.status < 500 else 502


@app.post("/login")
def login() -> dict[str, Any]:
    result = g.pb.collection("users").auth.with_password(request.json["email"], request.json["password"])
    return {"email": result["record"]["email"]}


@app.post("/logout")
def logout() -> dict[str, Any]:
    g.pb.auth_store.clear()
    return {}


@app.get("/notes")
def list_notes() -> list[str]:
    return [note["text"] for note in g.pb.collection("notes").iterate(sort="created")]


@app.post("/notes")
def add_note() -> tuple[dict[str, Any], int]:
    # The cookie is user input, so ask the server who the user is.
    owner = g.pb.collection("users").auth.refresh()["record"]["id"]
    note = g.pb.collection("notes").create({"text": request.json["text"], "owner": owner})
    return {"id": note["id"]}, 201
