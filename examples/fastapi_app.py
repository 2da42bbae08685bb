"""A notebook on FastAPI and PocketBase: one shared HTTP client, and a PocketBase client per request for its user.

python examples/fastapi_app.py                                              starts a throw-away server; port 8000
POCKETBASE_URL=http://127.0.0.1:8090 uvicorn examples.fastapi_app:app       uses a running server
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from pocketbase_core import AuthStore, PocketBase, PocketBaseError, PocketBaseInputError, PocketBaseTransportError
from pocketbase_core.testing import LocalServer
from pocketbase_transports import HttpxTransport

OWN = "@request.auth.id != '' && owner = @request.auth.id"
NOTES: dict[str, Any] = {
    "name": "notes",
    "type": "base",
    **{f"{action}Rule": OWN for action in ("list", "view", "create", "update", "delete")},
    "fields": [
        {"name": "text", "type": "text", "required": True},
        {"name": "owner", "type": "relation", "collectionId": "_pb_users_auth_", "maxSelect": 1, "required": True},
        {"name": "created", "type": "autodate", "onCreate": True},
    ],
}


class Credentials(BaseModel):
    email: str
    password: str


class NewNote(BaseModel):
    text: str


class Note(NewNote):
    id: str
    created: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    """Keep one HTTP client open for as long as the application runs."""
    url = os.environ["POCKETBASE_URL"]
    async with httpx.AsyncClient() as client, PocketBase(url, transport=HttpxTransport(client)) as pb:
        app.state.pb = pb
        yield


async def client_of_user(request: Request, response: Response) -> AsyncGenerator[PocketBase, None]:
    """Yield a client with the token from the request's Authorization header or cookie."""
    store = AuthStore()
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        store.save(token.strip() if token.isascii() and token.isprintable() else "", None)
    else:
        store.load_from_cookie(request.headers.get("Cookie", ""))
        # Send the browser a new cookie after a refresh, a change of the record, a sign-in or a sign-out.
        store.on_change(lambda token, record: response.headers.update({"Set-Cookie": store.export_to_cookie()}))
    pb: PocketBase = request.app.state.pb
    async with pb.with_auth_store(store) as own:
        yield own


UserClient = Annotated[PocketBase, Depends(client_of_user)]
app = FastAPI(lifespan=lifespan)


@app.exception_handler(PocketBaseInputError)
async def invalid(_: Request, error: PocketBaseInputError) -> JSONResponse:
    """Tell the visitor which value cannot be sent to PocketBase, such as a text with NUL."""
    return JSONResponse({"message": str(error)}, 400)


@app.exception_handler(PocketBaseError)
async def refused(_: Request, error: PocketBaseError) -> JSONResponse:
    """Pass on PocketBase's 4xx errors. Any other failure becomes a 502."""
    if isinstance(error, PocketBaseTransportError) or not 400 <= error.status < 500:
        return JSONResponse({"message": "The database does not respond."}, 502)
    return JSONResponse({"message": error.message, "fields": error.field_errors}, error.status)


@app.post("/login")
async def login(credentials: Credentials, pb: UserClient) -> dict[str, str]:
    result = await pb.collection("users").auth.with_password(credentials.email, credentials.password)
    return {"token": result["token"]}


@app.post("/logout")
async def logout(pb: UserClient) -> None:
    pb.auth_store.clear()


@app.get("/notes")
async def list_notes(pb: UserClient) -> list[Note]:
    return await pb.collection("notes", Note).get_full_list(sort="created")


@app.get("/notes/{note_id}")
async def show_note(note_id: str, pb: UserClient) -> Note:
    return await pb.collection("notes", Note).get_one(note_id)


@app.post("/notes", status_code=201)
async def add_note(note: NewNote, pb: UserClient) -> Note:
    # The cookie is user input, so ask the server who the user is.
    owner = (await pb.collection("users").auth.refresh())["record"]["id"]
    return await pb.collection("notes", Note).create({"text": note.text, "owner": owner})


async def prepare(pb: PocketBase) -> None:
    """Create the collection `notes`, and a user to sign in with."""
    await pb.collections.create(NOTES)
    await pb.collection("users").create({"email": "user@example.com", "password": "password123"})


async def main() -> None:
    async with LocalServer() as server:
        async with PocketBase(server.url) as pb:
            await pb.admins.auth.with_password(*server.superuser)
            await prepare(pb)
        os.environ["POCKETBASE_URL"] = server.url
        print("user@example.com, password123: http://127.0.0.1:8000/docs")
        await uvicorn.Server(uvicorn.Config(app, port=8000)).serve()


if __name__ == "__main__":
    asyncio.run(main())
