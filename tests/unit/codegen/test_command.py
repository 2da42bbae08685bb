"""The command line: what it writes, and the one line and the status that each mistake ends with."""

import errno
import importlib.metadata
import io
import json
import runpy
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pocketbase_core.codegen.command import main
from pocketbase_core.services.flows.partial_file import PartialFile

from .test_module import COLLECTIONS, block

ROOT = Path(__file__).parents[3]
OLD: list[dict[str, Any]] = [
    {"id": "x", "name": "old_posts", "type": "base", "schema": [{"name": "title", "type": "text", "options": {}}]}
]
INFINITE = [
    {"id": "x", "name": "posts", "type": "base", "fields": [{"name": "n", "type": "number", "maxSelect": 1e999}]}
]
RIGHT = "--from schema.json --style dataclass"
OTHER_FILE = "print('not made by the command')\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with files of collections. There is no password and no terminal."""
    documents: dict[str, Any] = {"schema": COLLECTIONS, "old": OLD, "other": {"items": []}, "infinite": INFINITE}
    for name, document in documents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    (tmp_path / "broken.json").write_text('[{"name":')
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "binary.json").write_bytes(b"\xff\x00\xfe")
    (tmp_path / "a_folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POCKETBASE_PASSWORD", raising=False)
    at_terminal(monkeypatch, False)
    return tmp_path


def at_terminal(monkeypatch: pytest.MonkeyPatch, is_one: bool = True) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: is_one)


def run(line: str) -> int:
    return main(["models", *line.split()])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def raising(error: BaseException) -> Callable[..., NoReturn]:
    def function(*_: object, **__: object) -> NoReturn:
        raise error

    return function


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "required: COMMAND"),
        ("modles --style dataclass", "invalid choice: 'modles'"),
        ("models --style dataclass", "pass the URL of a server, or --from"),
        (f"models http://h {RIGHT}", "pass the URL of a server, or --from"),
        ("models --from schema.json", "required: --style"),
        ("models --from schema.json --style attrs", "invalid choice: 'attrs'"),
        ("models --from schema.json --style", "--style: expected one argument"),
        (f"models {RIGHT} --watch", "unrecognized arguments: --watch"),
        (f"models {RIGHT} --check", "--check needs the file: -o FILE"),
        ("models http://h --style dataclass", "pass the superuser's address: --email"),
        ("models http://h --style dataclass --email a@b.c", "set POCKETBASE_PASSWORD"),
        (f"models {RIGHT} --collections posts,psots", "no collection 'psots'; there are comments, posts, stats, tags"),
        (f"models {RIGHT} --collections ,", "--collections: no collection is named"),
        (f"models {RIGHT} --name psots=Post", "no collection 'psots'"),
        (f"models {RIGHT} --name posts", "'posts' is not COLLECTION=CLASS"),
        (f"models {RIGHT} --name posts=", "'' is not a name for a class"),
        (f"models {RIGHT} --name posts=a-b", "'a-b' is not a name for a class"),
        (f"models {RIGHT} --name posts=Any", "the name 'Any' is taken"),
        (f"models {RIGHT} --name posts=A --name tags=A", "the name 'A' is taken"),
        (f"models {RIGHT} -o missing/models.py", "missing"),
        (f"models {RIGHT} -o a_folder", "a_folder"),
        (f"models {RIGHT} -o a_folder --check", "a_folder"),
        (f"models {RIGHT} -o schema.json/models.py", "schema.json"),
        ("models --from missing.json --style dataclass -o x.py", "No such file or directory: 'missing.json'"),
        ("models --from a_folder --style dataclass -o x.py", "a_folder"),
        ("models --from broken.json --style dataclass -o x.py", "broken.json is not JSON: Expecting value"),
        ("models --from binary.json --style dataclass -o x.py", "binary.json is not JSON"),
        ("models --from deep.json --style dataclass -o x.py", "deep.json is not JSON: maximum recursion depth"),
        ("models --from other.json --style dataclass -o x.py", "a JSON list of collections was expected"),
        ("models --from infinite.json --style dataclass -o x.py", "not a list of PocketBase's collections"),
        (f"models {RIGHT} --server-version 0.22", "--server-version needs the URL of a server"),
    ],
)
def test_a_mistake_is_one_line_and_status_2_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    before = contents(folder)
    assert main(line.split()) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert message in errors
    assert errors.startswith("pocketbase-core: ")
    assert errors.count("\n") == 1, errors
    assert contents(folder) == before


def test_an_export_of_version_0_22_makes_models(folder: Path) -> None:
    assert run("--from old.json --style dataclass -o models.py") == 0
    assert "title: str" in (folder / "models.py").read_text()


def test_an_address_that_is_no_url_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POCKETBASE_PASSWORD", "secret-of-the-test")
    for url in ("127.0.0.1:8090", "ftp://h"):
        assert run(f"{url} --style dataclass --email a@b.c") == 2
        errors = capsys.readouterr().err
        assert f"{url!r} is not a valid base URL" in errors
        assert errors.count("\n") == 1
        assert "secret-of-the-test" not in errors


def test_no_password_at_a_terminal_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_terminal(monkeypatch)
    monkeypatch.setattr("getpass.getpass", raising(EOFError()))
    assert run("http://127.0.0.1:1 --style dataclass --email a@b.c") == 2
    assert capsys.readouterr().err == "pocketbase-core: no password was entered\n"


def test_ctrl_c_ends_the_command_with_status_130(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_terminal(monkeypatch)
    monkeypatch.setattr("getpass.getpass", raising(KeyboardInterrupt()))
    assert run("http://127.0.0.1:1 --style dataclass --email a@b.c") == 130
    (folder / "models.py").write_text(OTHER_FILE)
    monkeypatch.setattr("builtins.input", raising(KeyboardInterrupt()))
    assert run(f"{RIGHT} -o models.py") == 130
    assert (folder / "models.py").read_text() == OTHER_FILE
    assert capsys.readouterr() == ("", "")


def test_without_a_file_the_source_goes_to_standard_output_as_utf_8(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(f"{RIGHT} -o models.py") == 0
    terminal = io.TextIOWrapper(written := io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "argv", ["pocketbase-core", "models", *RIGHT.split()])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "pocketbase_core" / "__main__.py"), run_name="__main__")
    assert ended.value.code == 0
    assert written.getvalue() == (folder / "models.py").read_bytes()
    assert "ü" in written.getvalue().decode()


def test_the_password_is_asked_for_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_terminal(monkeypatch)
    asked: list[str] = []

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return "password123"

    monkeypatch.setattr("getpass.getpass", getpass)
    assert run("http://127.0.0.1:1 --style dataclass --email a@b.c") == 2
    assert asked == ["Password of a@b.c: "]
    assert "cannot connect to 127.0.0.1:1" in capsys.readouterr().err


def test_a_second_run_does_not_touch_the_file(folder: Path) -> None:
    path = folder / "models.py"
    assert run(f"{RIGHT} -o models.py") == 0
    first, content = path.stat(), path.read_bytes()
    assert run(f"{RIGHT} -o models.py") == 0
    assert path.stat()[:9] == first[:9]
    assert path.stat().st_mtime_ns == first.st_mtime_ns
    assert path.read_bytes() == content


def test_check_tells_whether_the_file_is_up_to_date(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "models.py"
    assert run(f"{RIGHT} -o models.py --check") == 1
    assert capsys.readouterr() == ("", "pocketbase-core: models.py does not exist; run the command without --check\n")
    assert not path.exists()
    assert run(f"{RIGHT} -o models.py") == 0
    assert run(f"{RIGHT} -o models.py --check") == 0
    assert capsys.readouterr() == ("", "")
    for content in (path.read_bytes() + b"\n", b""):
        path.write_bytes(content)
        assert run(f"{RIGHT} -o models.py --check") == 1
        assert "models.py is not what the server has; run" in capsys.readouterr().err
        assert path.read_bytes() == content


def test_check_sees_other_options_and_other_collections(folder: Path) -> None:
    assert run(f"{RIGHT} -o models.py") == 0
    assert run("--from schema.json --style msgspec -o models.py --check") == 1
    assert run(f"{RIGHT} --name posts=Post -o models.py --check") == 1
    changed: list[dict[str, Any]] = json.loads((folder / "schema.json").read_bytes())
    changed[1]["fields"].append({"name": "more", "type": "text"})
    (folder / "schema.json").write_text(json.dumps(changed))
    assert run(f"{RIGHT} -o models.py --check") == 1


def test_a_file_that_the_command_made_is_replaced_without_a_question(folder: Path) -> None:
    assert run(f"{RIGHT} --name posts=Post -o models.py") == 0
    assert run(f"{RIGHT} -o models.py") == 0
    assert b"class Posts:" in (folder / "models.py").read_bytes()


def test_an_empty_file_is_replaced_without_a_question(folder: Path) -> None:
    (folder / "models.py").touch()
    assert run(f"{RIGHT} -o models.py") == 0
    assert b"class Posts:" in (folder / "models.py").read_bytes()


def test_another_file_is_not_replaced_without_a_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "models.py").write_text(OTHER_FILE)
    assert run(f"{RIGHT} -o models.py") == 2
    assert capsys.readouterr().err == "pocketbase-core: models.py was not made by this command; remove it first\n"
    assert (folder / "models.py").read_text() == OTHER_FILE


@pytest.mark.parametrize(
    ("answer", "is_replaced"),
    [("y", True), (" YES ", True), ("n", False), ("", False), ("yellow", False), (None, False)],
)
def test_another_file_is_replaced_after_a_yes_at_the_terminal(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str | None,
    is_replaced: bool,
) -> None:
    def reply(question: str) -> str:
        questions.append(question)
        if answer is None:
            raise EOFError
        return answer

    questions: list[str] = []
    at_terminal(monkeypatch)
    monkeypatch.setattr("builtins.input", reply)
    (folder / "models.py").write_text(OTHER_FILE)
    assert run(f"{RIGHT} -o models.py") == (0 if is_replaced else 2)
    assert questions == ["models.py was not made by this command. Replace it? [y/N] "]
    assert ((folder / "models.py").read_text() != OTHER_FILE) == is_replaced
    assert capsys.readouterr().err == ("" if is_replaced else "pocketbase-core: models.py was left as it is\n")


@pytest.mark.parametrize("step", ["pocketbase_core.codegen.command.PartialFile.write", "pathlib.Path.replace"])
@pytest.mark.parametrize("before", [None, "# Made by `python -m pocketbase_core models URL --style msgspec`.\n"])
def test_a_write_that_fails_leaves_the_folder_as_it_was(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    step: str,
    before: str | None,
) -> None:
    write = PartialFile.write

    def fail(file: Any, data: Any) -> None:
        if isinstance(file, PartialFile):
            write(file, data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    if before is not None:
        (folder / "models.py").write_text(before)
    found = contents(folder)
    monkeypatch.setattr(step, fail)
    assert run(f"{RIGHT} -o models.py") == 2
    assert capsys.readouterr().err == "pocketbase-core: [Errno 28] No space left on device\n"
    assert contents(folder) == found


def test_the_user_chooses_the_collections(folder: Path) -> None:
    assert run(f"{RIGHT} --collections posts,users --name posts=Post -o models.py") == 0
    text = (folder / "models.py").read_text(encoding="utf-8")
    assert text.startswith(
        "# Made by `python -m pocketbase_core models URL --style dataclass --collections posts,users "
        "--name posts=Post`. Do not edit.\n"
    )
    assert "class Users:" in text
    assert "class Tags:" not in text
    assert block(text, "PostExpand") == ["author: Users | None = None", "tags: list[dict[str, Any]] | None = None"]
    assert {"author: UsersRelation", "tags: Relation"} <= {*block(text, "PostFields")}


def test_the_header_does_not_depend_on_the_machine(folder: Path) -> None:
    (folder / "a_folder" / "exported.json").write_bytes((folder / "schema.json").read_bytes())
    assert run(f"{RIGHT} -o models.py") == 0
    assert run("--from a_folder/exported.json --style dataclass --email a@b.c -o models.py --check") == 0
    header = (folder / "models.py").read_text(encoding="utf-8").splitlines()[0]
    assert header == "# Made by `python -m pocketbase_core models URL --style dataclass`. Do not edit."


def test_of_pocketbases_own_collections_only_superusers_are_written_unless_named(folder: Path) -> None:
    system = [COLLECTIONS[0] | {"id": name, "name": name, "system": True} for name in ("_superusers", "_mfas")]
    (folder / "schema.json").write_text(json.dumps([*COLLECTIONS, *system]))
    assert run(f"{RIGHT} -o models.py") == 0
    text = (folder / "models.py").read_text(encoding="utf-8")
    assert "class Superusers:" in text
    assert "class Mfas:" not in text
    assert run(f"{RIGHT} --collections _mfas -o models.py") == 0
    assert "class Mfas:" in (folder / "models.py").read_text(encoding="utf-8")


def test_the_console_script_is_the_command() -> None:
    scripts: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    [(name, value)] = scripts.items()
    assert name == "pocketbase-core"
    assert importlib.metadata.EntryPoint(name, value, "console_scripts").load() is main
