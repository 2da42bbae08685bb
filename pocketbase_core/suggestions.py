"""The name that somebody has probably meant."""

from collections.abc import Iterable


def spelling_key(name: str) -> str:
    """Return what two spellings of one name have in common: `perPage` and `per_page`, `getURL` and `get_url`."""
    return name.replace("_", "").lower()


def closest(name: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that `name` is another spelling of, or else the most similar one, if any is similar."""
    by_key = {spelling_key(each): each for each in names}
    key = spelling_key(name)
    if key in by_key:
        return by_key[key]
    import difflib  # here, because only errors need it

    similar = difflib.get_close_matches(key, by_key, n=1, cutoff=0.7)
    return by_key[similar[0]] if similar else None
