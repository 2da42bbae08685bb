"""The modules that the package and the how-to pages declare public."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pocketbase_core
import pocketbase_transports

MODULES = re.findall(r"^- `(pocketbase_core[\w.]*)`", pocketbase_core.__doc__ or "", re.MULTILINE)
DOCS = Path(__file__).parents[2] / "docs"
TITLES = {"howto/index.md": "\n## Public modules\n", "zh/howto/index.md": "\n## 公开的模块\n"}


@pytest.mark.parametrize("module", MODULES)
def test_a_public_module_is_an_attribute_of_the_package_without_an_import_of_its_own(module: str) -> None:
    code = f"import pocketbase_core; print({module}.__name__)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == module, done.stderr


@pytest.mark.parametrize("document", TITLES)
def test_the_documents_name_the_same_public_modules_as_the_package(document: str) -> None:
    _, found, section = (DOCS / document).read_text("utf-8").partition(TITLES[document])
    assert found
    names = re.findall(r"`(\w+)`", section.partition("\n## ")[0])
    assert {"pocketbase_core", *(name.rpartition(".")[2] for name in MODULES)} == {*names} - {"pocketbase_transports"}


def test_every_public_name_of_the_package_can_be_imported() -> None:
    missing = [name for name in pocketbase_core.__all__ if not hasattr(pocketbase_core, name)]
    assert missing == []


@pytest.mark.parametrize("package", [pocketbase_core, pocketbase_transports])
def test_a_name_that_nobody_uses_is_an_ordinary_attribute_error(package: object) -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'no_such_name'$"):
        getattr(package, "no_such_name")


def test_a_name_of_another_sdk_is_an_import_error_with_advice() -> None:
    with pytest.raises(ImportError, match="pocketbase_core has no 'Client'; use PocketBase"):
        getattr(pocketbase_core, "Client")


def test_the_transports_are_listed_before_their_libraries_are_imported() -> None:
    assert dir(pocketbase_transports) == [
        "AiohttpTransport",
        "HttpxTransport",
        "MockTransport",
        "PyreqwestTransport",
    ]
