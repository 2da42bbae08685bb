"""Collections."""

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from ..auth import session
from ..auth.revocation import has_new_secret
from ..calls.options import CommonOptions, FirstOptions, FullListOptions, ListOptions, RecordOptions, parse_options
from ..endpoints import collections as api
from ..endpoints.pages import Page
from ..models.decoders import identity
from ..pipeline import Pipeline
from .flows.pagination import fetch_all

Collection = dict[str, Any]


class CollectionService:
    """The collections themselves, for superusers.

    A collection is `{"name", "type": "base" | "auth" | "view", "fields": [{"name", "type", …}], …}`. The style before
    PocketBase 0.23 (`schema`, with nested `options`) is translated, with a `DeprecationWarning`.

    A change that ends the tokens of the signed-in user's own collection clears the auth store: a new secret for tokens,
    or the deletion of all records.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def get_list(
        self,
        page: int = 1,
        per_page: int = 30,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[ListOptions],
    ) -> Page[Collection]:
        """Return one page of collections."""
        return await self._pipeline.execute(api.get_list(page, per_page, parse_options(ListOptions, options, keywords)))

    async def get_full_list(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[FullListOptions]
    ) -> list[Collection]:
        """Return all collections. A `timeout` is for all requests together."""
        settings = parse_options(FullListOptions, options, keywords)
        batch = settings.method_options.get("batch", 1000)
        return await fetch_all(self._pipeline, settings, lambda number: api.get_page(number, batch, settings), identity)

    async def get_first(self, options: Mapping[str, Any] | None = None, **keywords: Unpack[FirstOptions]) -> Collection:
        """Return the first of the list, or raise PocketBaseNotFoundError."""
        return await self._pipeline.execute(api.get_first(parse_options(FirstOptions, options, keywords)))

    async def get_one(
        self, id_or_name: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> Collection:
        """Return a collection with its fields and rules."""
        return await self._pipeline.execute(api.get_one(id_or_name, parse_options(RecordOptions, options, keywords)))

    async def create(
        self, body: Mapping[str, Any], options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> Collection:
        """Create a collection."""
        return await self._pipeline.execute(api.create(body, parse_options(RecordOptions, options, keywords)))

    async def update(
        self,
        id_or_name: str,
        body: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[RecordOptions],
    ) -> Collection:
        """Change a collection, and return it. `fields` replaces all fields: others are deleted with their data."""
        settings = parse_options(RecordOptions, options, keywords)
        changed = await self._pipeline.execute(api.update(id_or_name, body, settings))
        if has_new_secret(body):
            session.collection_tokens_revoked(self._pipeline.auth_store, id_or_name)
        return changed

    async def delete(
        self, id_or_name: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> None:
        """Delete a collection with all its records."""
        await self._pipeline.execute(api.delete(id_or_name, parse_options(CommonOptions, options, keywords)))
        session.collection_tokens_revoked(self._pipeline.auth_store, id_or_name)

    async def import_collections(
        self,
        collections: Sequence[Mapping[str, Any]],
        delete_missing: bool = False,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[CommonOptions],
    ) -> None:
        """Create and update many; with `delete_missing`, delete all others and all fields that are left out."""
        settings = parse_options(CommonOptions, options, keywords)
        await self._pipeline.execute(api.import_collections(collections, delete_missing, settings))
        for collection in filter(has_new_secret, collections):
            session.collection_tokens_revoked(self._pipeline.auth_store, collection.get("id"), collection.get("name"))

    async def truncate(
        self, id_or_name: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> None:
        """Delete all records of a collection."""
        await self._pipeline.execute(api.truncate(id_or_name, parse_options(CommonOptions, options, keywords)))
        session.collection_tokens_revoked(self._pipeline.auth_store, id_or_name)

    async def get_scaffolds(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> dict[str, Any]:
        """Return an empty collection of each type."""
        return await self._pipeline.execute(api.get_scaffolds(parse_options(CommonOptions, options, keywords)))

    async def get_all_oauth2_providers(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> list[dict[str, Any]]:
        """Return the OAuth2 providers that the server knows (PocketBase 0.37 and newer)."""
        return await self._pipeline.execute(
            api.get_all_oauth2_providers(parse_options(CommonOptions, options, keywords))
        )

    async def dry_run_view_query(
        self, query: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> dict[str, Any]:
        """Return `{"fields", "sample"}` of a view without creating the view (PocketBase 0.37 and newer)."""
        return await self._pipeline.execute(
            api.dry_run_view_query(query, parse_options(CommonOptions, options, keywords))
        )
