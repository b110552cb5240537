"""The project's Python files, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SKIPPED = frozenset({".venv", ".tox", "var", "build", "dist", "node_modules"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its path from the root, its text, its tree."""

    path: str
    text: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]
    """Every node of the tree."""

    @property
    def test(self) -> bool:
        """Whether it holds tests, or what only tests use."""
        return "tests" in Path(self.path).parts

    @property
    def generated(self) -> bool:
        """Whether a tool writes it."""
        return self.path.startswith("libs/shared/contracts/") and self.path.endswith("_v1.py")

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones too."""
        return (node for node in self.nodes if isinstance(node, Function))


@cache
def sources() -> tuple[Source, ...]:
    """All of them, generated ones left out."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT)
        if SKIPPED.isdisjoint(relative.parts) and not any(part.startswith(".") for part in relative.parts):
            text = path.read_text()
            tree = ast.parse(text)
            found.append(Source(str(relative), text, tree, tuple(ast.walk(tree))))
    return tuple(source for source in found if not source.generated)


def product() -> tuple[Source, ...]:
    """What runs: libs and services without their tests."""
    return tuple(s for s in sources() if s.path.startswith(("libs/", "services/")) and not s.test)


def imported(node: ast.AST) -> tuple[str, ...]:
    """The modules that an import statement names; none for another node."""
    match node:
        case ast.Import():
            return tuple(alias.name for alias in node.names)
        case ast.ImportFrom(module=str(module)):
            return (module,)
    return ()


def percentile(values: list[int], share: float) -> int:
    """The value that this share of them doesn't exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
