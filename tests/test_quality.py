"""Linters, type checker and packaging, as tests: what they find fails here as a wrong number would."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

import lib

ROOT = Path(lib.__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DIRECT = [*PROJECT["dependencies"], *(each for extra in PROJECT["optional-dependencies"].values() for each in extra)]
LOCKED = [
    Requirement(line.split("#")[0].strip())
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if line.strip() and not line.lstrip().startswith("#")
]
MODULES = sorted(
    module.name for module in pkgutil.walk_packages([str(ROOT / "lib")], "lib.") if not module.name.endswith("__main__")
)


def run(*command: str, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=timeout)


@pytest.mark.parametrize(
    "command",
    [
        ("-m", "ruff", "check", "--output-format", "concise", "."),
        ("-m", "ruff", "format", "--check", "."),
        ("-m", "mypy"),
        ("-m", "pip", "--disable-pip-version-check", "check"),
    ],
    ids=["ruff lint", "ruff format", "mypy", "pip check"],
)
def test_tool_has_nothing_to_say(command: tuple[str, ...], done_beforehand: subprocess.CompletedProcess[str]) -> None:
    assert done_beforehand.returncode == 0, done_beforehand.stdout + done_beforehand.stderr


test_tool_has_nothing_to_say.beforehand = lambda command: run(*command)  # type: ignore[attr-defined]


def plain(name: str) -> str:
    """Name of a package as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("direct", DIRECT)
def test_lock_holds_every_dependency_at_a_version_that_fits(direct: str) -> None:
    wanted = Requirement(direct)
    for python in ("3.11", "3.12", "3.13"):
        environment = {**default_environment(), "python_version": python, "python_full_version": f"{python}.9"}
        if wanted.marker and not wanted.marker.evaluate(environment):
            continue
        versions = [
            specifier.version
            for locked in LOCKED
            if plain(locked.name) == plain(wanted.name) and (not locked.marker or locked.marker.evaluate(environment))
            for specifier in locked.specifier
        ]
        assert len(versions) == 1, f"requirements.txt has {versions or 'no version'} of {wanted.name}: run make lock"
        assert wanted.specifier.contains(versions[0], prereleases=True), f"{versions[0]} is not {wanted}: run make lock"


def test_lock_pins_everything() -> None:
    assert all([specifier.operator for specifier in locked.specifier] == ["=="] for locked in LOCKED)


def test_every_module_imports_without_network_and_without_allensdk() -> None:
    """In a process of its own, where opening a socket is an error."""
    script = """
import importlib, socket, sys

def refuse(*arguments, **options):
    raise AssertionError("importing lib opens a socket")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
for name in sys.argv[1:]:
    importlib.import_module(name)
    assert "allensdk" not in sys.modules, f"{name} imports allensdk, which few readers need and not every Python has"
"""
    done = run("-W", "error", "-c", script, *MODULES)
    assert done.returncode == 0, done.stderr


def test_there_are_modules() -> None:
    assert {"lib.build", "lib.figures.style", "lib.presets"} <= set(MODULES)
