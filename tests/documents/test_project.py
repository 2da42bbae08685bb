"""The project's metadata, commands and workflows agree with each other."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import pocketbase_core

ROOT = Path(__file__).parents[2]
MANIFEST: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = MANIFEST["project"]


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_version_is_written_in_one_place() -> None:
    path = MANIFEST["tool"]["hatch"]["version"]["path"]
    assert "version" not in PROJECT, "hatch reads it from the package"
    assert PROJECT["dynamic"] == ["version"]
    assert text(path).count(f'__version__ = "{pocketbase_core.__version__}"') == 1
    assert re.fullmatch(r"\d+\.\d+\.\d+", pocketbase_core.__version__)


def test_the_changelog_has_a_section_and_a_link_for_each_version() -> None:
    changelog = text("CHANGELOG.md")
    versions = re.findall(r"^## \[(.*?)\](?: - \d{4}-\d\d-\d\d)?$", changelog, re.MULTILINE)
    links = re.findall(r"^\[(.*?)\]: ", changelog, re.MULTILINE)
    assert versions[:2] == ["Unreleased", pocketbase_core.__version__]
    assert versions == links


@pytest.mark.parametrize("path", ["CHANGELOG.md", ".github/ISSUE_TEMPLATE/config.yml"])
def test_each_address_of_the_project_is_that_of_the_manifest(path: str) -> None:
    addresses = re.findall(r"https://github\.com/[\w.-]+/[\w.-]+", text(path))
    assert {*addresses} == {PROJECT["urls"]["Source"]}


def test_the_commands_are_those_that_the_guide_lists() -> None:
    scripts = [path for path in (ROOT / "scripts").iterdir() if path.is_file()]
    assert all(os.access(path, os.X_OK) for path in scripts)
    rows = re.findall(r"^\| `scripts/(\w+)` \|", text("CONTRIBUTING.md"), re.MULTILINE)
    assert sorted(rows) == sorted(path.name for path in scripts)


def test_the_workflows_run_each_version_that_the_manifest_names() -> None:
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    tested = re.search(r"python: \[(.*)\]", text(".github/workflows/tests.yml"))
    assert tested is not None
    assert re.findall(r"3\.\d+", tested[1]) == named
    assert PROJECT["requires-python"] == f">={named[0]}"


@pytest.mark.parametrize("path", ["docs/promises.md", "docs/zh/promises.md"])
def test_the_promised_versions_are_those_of_the_extras(path: str) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text(path), re.MULTILINE))
    assert [*rows] == ["aiohttp", "httpx", "httpx2", "pyreqwest"]
    for extra, cell in rows.items():
        assert re.findall(r"`(.*?)`", cell) == PROJECT["optional-dependencies"][extra]
