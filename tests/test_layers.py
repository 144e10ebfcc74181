"""Data flows one way: no part of the library imports what comes after it."""

import ast

import pytest

from lib.provenance import ROOT

LAYERS = [
    {"files", "netcdf", "presets", "device", "provenance", "checkpoints", "record_files", "unfinished"},
    {"data"},
    {"models"},
    {"training"},
    {"measures"},
    {"probing"},
    {"following"},
    {"experiments"},
    {"records"},
    {"claims", "figures", "sweep"},
    {"report"},
    {"bench", "build", "execution", "pdf", "__main__"},
]
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}
MODULES = sorted((ROOT / "lib").rglob("*.py"))


def imported_parts(path):
    """Return the parts of the library that a module imports, anywhere in it."""
    parts = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        parts |= {name.split(".")[1] for name in names if name.startswith("lib.")}
    return parts


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_on_the_left_imports_anything_on_its_right(path):
    part = path.relative_to(ROOT / "lib").parts[0].removesuffix(".py")
    if part == "__init__":
        return
    later = {name for name in imported_parts(path) if RANK[name] > RANK[part]}
    assert not later, f"{path.name} imports {', '.join(sorted(later))}"
    if part in ("data", "models", "measures", "experiments", "records"):
        assert "matplotlib" not in path.read_text(), "no plotting in numerical modules"
