"""The command `python -m pocketbase_core models`."""

import argparse
import asyncio
import getpass
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from ..client import PocketBase
from ..errors import PocketBaseBadRequestError, PocketBaseError, PocketBaseNotFoundError
from ..services.flows.partial_file import PartialFile
from .module import STYLES, write_module
from .schema import CollectionSchema, SchemaError, parse_collections

MARK = "# Made by `python -m pocketbase_core models"
"""The beginning of a file that this command made."""


class CommandError(Exception):
    """A mistake that ends the command with status 2. The message is one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message}; --help lists the arguments")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return the exit status.

    Returns:
        0; 1 if `--check` found that the file is not what the server has; 2 after an error, which is printed.
    """
    try:
        return _models(_parse(arguments))
    except KeyboardInterrupt:
        return 130
    except (CommandError, SchemaError, OSError) as error:
        print(f"pocketbase-core: {_one_line(error)}", file=sys.stderr)
        return 2


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(prog="pocketbase-core")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    models = commands.add_parser("models", help="write classes for the records of a server's collections")
    models.add_argument("url", nargs="?", metavar="URL", help="the server")
    models.add_argument(
        "--from", dest="source", type=Path, metavar="FILE", help="collections exported as JSON, in place of a server"
    )
    models.add_argument("--style", choices=STYLES, required=True, help="what the classes of records are")
    models.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the file to write (default: standard output)"
    )
    models.add_argument("--check", action="store_true", help="write nothing, and exit with 1 if FILE is not up to date")
    models.add_argument(
        "--collections",
        type=_names,
        metavar="NAME,…",
        help="the collections (default: all, and _superusers of PocketBase's own)",
    )
    models.add_argument(
        "--name", action="append", default=[], type=_pair, metavar="COLLECTION=CLASS", help="the class of a collection"
    )
    models.add_argument("--email", help="the superuser; the password is read from POCKETBASE_PASSWORD or asked for")
    models.add_argument(
        "--server-version", metavar="VERSION", help="the version of the server; needed for PocketBase 0.22 only"
    )
    return parser.parse_args(arguments)


def _names(text: str) -> list[str]:
    if not (names := [name for name in text.split(",") if name]):
        raise argparse.ArgumentTypeError("no collection is named")
    return names


def _pair(text: str) -> tuple[str, str]:
    collection, separator, name = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not COLLECTION=CLASS")
    return collection, name


def _models(arguments: argparse.Namespace) -> int:
    if (arguments.url is None) == (arguments.source is None):
        raise CommandError("pass the URL of a server, or --from with a file of collections")
    if arguments.check and arguments.output is None:
        raise CommandError("--check needs the file: -o FILE")
    if arguments.url is None and arguments.server_version is not None:
        raise CommandError("--server-version needs the URL of a server")
    document = _read(arguments.source) if arguments.url is None else _fetch(arguments)
    names = dict(arguments.name)
    collections = _choose(parse_collections(document), arguments.collections, names)
    text = write_module(collections, arguments.style, names, _header(arguments))
    if arguments.output is None:
        sys.stdout.buffer.write(text.encode())  # a source is UTF-8, whatever the terminal's encoding
        sys.stdout.buffer.flush()
        return 0
    if arguments.check:
        return _check(arguments.output, text)
    _write(arguments.output, text.encode())
    return 0


def _header(arguments: argparse.Namespace) -> str:
    """Return the command without what may differ between the machines and the servers that it runs for."""
    words = [f"URL --style {arguments.style}"]
    if arguments.collections:
        words.append(f"--collections {','.join(arguments.collections)}")
    words += [f"--name {collection}={name}" for collection, name in arguments.name]
    return f"{MARK[2:]} {' '.join(words)}`. Do not edit."


def _choose(
    collections: list[CollectionSchema], chosen: list[str] | None, names: dict[str, str]
) -> list[CollectionSchema]:
    known = {each.name for each in collections}
    if unknown := [name for name in [*(chosen or ()), *names] if name not in known]:
        raise CommandError(f"there is no collection {unknown[0]!r:.100}; there are {', '.join(sorted(known))}")
    if chosen is None:
        return [each for each in collections if not each.is_system or each.name == "_superusers"]
    return [each for each in collections if each.name in chosen]


def _read(source: Path) -> Any:
    try:
        return json.loads(source.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{source} is not JSON: {error}") from error


def _fetch(arguments: argparse.Namespace) -> Any:
    if arguments.email is None:
        raise CommandError("pass the superuser's address: --email")
    password = os.environ.get("POCKETBASE_PASSWORD") or _ask_password(arguments.email)
    try:
        return asyncio.run(_fetch_collections(arguments.url, arguments.email, password, arguments.server_version))
    except (PocketBaseError, ImportError, ValueError) as error:
        raise CommandError(str(error)) from error


async def _fetch_collections(url: str, email: str, password: str, version: str | None) -> Any:
    async with PocketBase(url, server_version=version) as pb:
        try:
            await pb.admins.auth.with_password(email, password)
        except PocketBaseBadRequestError as error:
            raise CommandError(f"{email!r} is not a superuser of {url}, or the password is wrong") from error
        except PocketBaseNotFoundError as error:
            expected, advice = "0.23 or newer", "for 0.22, pass --server-version 0.22"
            if version is not None and version.startswith("0.22"):
                expected, advice = "0.22", "for newer ones, leave --server-version out"
            raise CommandError(f"{url} is not a PocketBase server of version {expected}; {advice}") from error
        return await pb.collections.get_full_list()


def _ask_password(email: str) -> str:
    if not sys.stdin.isatty():
        raise CommandError("set POCKETBASE_PASSWORD, as there is no terminal to ask for the password")
    password = ""
    with suppress(EOFError):
        password = getpass.getpass(f"Password of {email}: ")
    if not password:
        raise CommandError("no password was entered")
    return password


def _check(path: Path, text: str) -> int:
    found = path.read_bytes() if path.exists() else None
    if found == text.encode():
        return 0
    state = "does not exist" if found is None else "is not what the server has"
    print(f"pocketbase-core: {path} {state}; run the command without --check", file=sys.stderr)
    return 1


def _write(path: Path, content: bytes) -> None:
    found = path.read_bytes() if path.is_file() else b""
    if found == content:
        return
    if found and not found.startswith(MARK.encode()):
        _ask_to_replace(path)
    file = PartialFile(path)
    try:
        file.open()
        file.write(memoryview(content))
        file.finish()
    finally:
        file.discard()


def _ask_to_replace(path: Path) -> None:
    question = f"{path} was not made by this command"
    if not sys.stdin.isatty():
        raise CommandError(f"{question}; remove it first")
    answer = ""
    with suppress(EOFError):
        answer = input(f"{question}. Replace it? [y/N] ")
    if answer.strip().lower() not in ("y", "yes"):
        raise CommandError(f"{path} was left as it is")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
