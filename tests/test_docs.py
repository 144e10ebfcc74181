"""The pages that are written by hand keep step with the library."""

import importlib
import pkgutil
import re
import tomllib

import pytest

import lib
from lib import presets
from lib.__main__ import main
from lib.provenance import ROOT

API = (ROOT / "book" / "api.md").read_text()


def own_names(module):
    """Return the public functions and classes that a module defines itself."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__ and callable(value)
    }


def public_modules():
    """Return the names of all modules of the library without a leading underscore."""
    names = [module.name for module in pkgutil.walk_packages(lib.__path__, "lib.")]
    return [name for name in names if not any(part.startswith("_") for part in name.split("."))]


@pytest.mark.parametrize("name", public_modules())
def test_everything_public_is_in_the_api_reference(name):
    names = own_names(importlib.import_module(name))
    if not names or re.search(rf"automodule:: {re.escape(name)}$", API, re.MULTILINE):
        return
    package = importlib.import_module(name.rpartition(".")[0])
    assert names <= set(getattr(package, "__all__", ())), f"add {name} to book/api.md"
    assert re.search(rf"automodule:: {re.escape(package.__name__)}$", API, re.MULTILINE)


def test_no_module_is_in_the_api_reference_twice():
    """A build that finds one twice fails, after minutes."""
    named = re.findall(r"automodule:: (\S+)$", API, re.MULTILINE)
    assert len(named) == len(set(named))


def test_readme_names_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE)
    readme = (ROOT / "README.md").read_text()
    assert commands
    for command in commands:
        assert f"python -m lib {command}" in readme, f"README.md does not say what `python -m lib {command}` does"
    for preset in presets.PRESETS:
        assert f"| `{preset}` |" in readme


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == lib.__version__
    assert f"version: {lib.__version__}" in (ROOT / "CITATION.cff").read_text()
