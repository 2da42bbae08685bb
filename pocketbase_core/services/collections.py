"""Collections and their fields, for superusers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from ..auth import session
from ..auth.revocation import has_new_secret
from ..auth.store import AuthStore
from ..calls.call import Call
from ..calls.options import (
    CommonOptions,
    FirstOptions,
    FullListOptions,
    ListOptions,
    OptionsArg,
    RecordOptions,
    parse_leading,
    parse_options,
)
from ..endpoints import collections as api
from ..endpoints.pages import Page
from ..faces import AsyncFace, ServiceMethods, endpoint, method
from ..models.decoders import identity
from .flows.pagination import fetch_all

Collection = dict[str, Any]


class CollectionMethods(ServiceMethods):
    """The collections themselves, for superusers."""

    @endpoint
    def get_list(
        self,
        page: int = 1,
        per_page: int = 30,
        options: OptionsArg = None,
        **keywords: Unpack[ListOptions],
    ) -> Call[Page[Collection]]:
        """Return one page of collections; see `RecordService.get_list`.

        Options: `filter`, `sort`, `expand`, `fields`, `skip_total`, `params`, `headers`, `timeout`.
        """
        return api.get_list(page, per_page, parse_options(ListOptions, options, keywords))

    @method
    async def get_full_list(
        self,
        batch_or_options: int | OptionsArg = None,
        /,
        options: OptionsArg = None,
        **keywords: Unpack[FullListOptions],
    ) -> list[Collection]:
        """Return all collections; see `RecordService.get_full_list`.

        Options: `filter`, `sort`, `expand`, `fields`, `batch`, `params`, `headers`, `timeout`.
        """
        parsed = parse_leading(FullListOptions, "batch", batch_or_options, options, keywords)
        batch = parsed.method_options.get("batch", 1000)
        return await fetch_all(self._pipeline, parsed, lambda number: api.get_page(number, batch, parsed), identity)

    @endpoint
    def get_first(
        self,
        filter_or_options: str | OptionsArg = None,
        /,
        options: OptionsArg = None,
        **keywords: Unpack[FirstOptions],
    ) -> Call[Collection]:
        """Return the first collection of the list, or raise PocketBaseNotFoundError; see `RecordService.get_first`.

        Options: `filter`, `sort`, `expand`, `fields`, `params`, `headers`, `timeout`.
        """
        return api.get_first(parse_leading(FirstOptions, "filter", filter_or_options, options, keywords))

    @endpoint
    def get_one(
        self, id_or_name: str, options: OptionsArg = None, **keywords: Unpack[RecordOptions]
    ) -> Call[Collection]:
        """Return a collection with its fields and rules.

        Options: `expand`, `fields`, `params`, `headers`, `timeout`.
        """
        return api.get_one(id_or_name, parse_options(RecordOptions, options, keywords))

    @endpoint
    def create(
        self, body: Mapping[str, Any], options: OptionsArg = None, **keywords: Unpack[RecordOptions]
    ) -> Call[Collection]:
        """Create a collection.

        Options: `expand`, `fields`, `params`, `headers`, `timeout`.
        """
        return api.create(body, parse_options(RecordOptions, options, keywords))

    @endpoint
    def update(
        self,
        id_or_name: str,
        body: Mapping[str, Any],
        options: OptionsArg = None,
        **keywords: Unpack[RecordOptions],
    ) -> Call[Collection]:
        """Change a collection, and return it.

        `fields` in `body` replaces all fields: those that are left out are deleted with their data.

        Options: `expand`, `fields`, `params`, `headers`, `timeout`.
        """
        call = api.update(id_or_name, body, parse_options(RecordOptions, options, keywords))
        return call.then(_end_tokens(id_or_name)) if has_new_secret(body) else call

    @endpoint
    def delete(self, id_or_name: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]) -> Call[None]:
        """Delete a collection with all its records.

        Options: `params`, `headers`, `timeout`.
        """
        call = api.delete(id_or_name, parse_options(CommonOptions, options, keywords))
        return call.then(_end_tokens(id_or_name))

    @endpoint
    def import_collections(
        self,
        collections: Sequence[Mapping[str, Any]],
        delete_missing: bool = False,
        options: OptionsArg = None,
        **keywords: Unpack[CommonOptions],
    ) -> Call[None]:
        """Create and update many collections in one transaction.

        Options: `params`, `headers`, `timeout`.

        Args:
            collections: The collections, as `create` takes them. A collection with a known `id` is updated.
            delete_missing: Also delete all other collections, and all fields that are left out, with their data.
            options: The options as a dict.
            **keywords: The options as keyword arguments.
        """
        call = api.import_collections(collections, delete_missing, parse_options(CommonOptions, options, keywords))
        changed = [name for each in collections if has_new_secret(each) for name in (each.get("id"), each.get("name"))]
        return call.then(_end_tokens(*changed))

    @endpoint
    def truncate(self, id_or_name: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]) -> Call[None]:
        """Delete all records of a collection.

        Options: `params`, `headers`, `timeout`.
        """
        call = api.truncate(id_or_name, parse_options(CommonOptions, options, keywords))
        return call.then(_end_tokens(id_or_name))

    @endpoint
    def get_scaffolds(self, options: OptionsArg = None, **keywords: Unpack[CommonOptions]) -> Call[dict[str, Any]]:
        """Return an empty collection of each type: `{"base", "auth", "view"}`.

        Options: `params`, `headers`, `timeout`.
        """
        return api.get_scaffolds(parse_options(CommonOptions, options, keywords))

    @endpoint
    def get_all_oauth2_providers(
        self, options: OptionsArg = None, **keywords: Unpack[CommonOptions]
    ) -> Call[list[dict[str, Any]]]:
        """Return the OAuth2 providers that the server knows (PocketBase 0.37 and newer).

        Options: `params`, `headers`, `timeout`.
        """
        return api.get_all_oauth2_providers(parse_options(CommonOptions, options, keywords))

    @endpoint
    def dry_run_view_query(
        self, query: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]
    ) -> Call[dict[str, Any]]:
        """Return `{"fields", "sample"}` of a view without creating the view (PocketBase 0.37 and newer).

        Options: `params`, `headers`, `timeout`.
        """
        return api.dry_run_view_query(query, parse_options(CommonOptions, options, keywords))


class CollectionService(CollectionMethods, AsyncFace):
    """The collections themselves, for superusers.

    A collection is `{"name", "type": "base" | "auth" | "view", "fields": [{"name", "type", …}], …}`. The style before
    PocketBase 0.23 (`schema`, with nested `options`) is translated, with a `DeprecationWarning`.

    A change that ends the tokens of the signed-in user's own collection clears the auth store: a new secret for tokens,
    or the deletion of all records.
    """


def _end_tokens(*ids_or_names: object) -> Callable[[AuthStore, object], None]:
    """Return the effect of a call that ends the tokens of all users of these collections."""
    return lambda store, _: session.collection_tokens_revoked(store, *ids_or_names)
