"""Doors: who may read the environment, import what, and catch what. import-linter watches the layers."""

import ast
import builtins
from collections.abc import Iterator

import pytest

from tests.house.exceptions import BROAD_EXCEPT, FOREIGN_RAISES, WRAPPED
from tests.house.source import Source, imported, product, sources

MOST_BROAD_EXCEPTS = 5
OWN = ("libs", "services")


def where(source: Source, node: ast.AST) -> str:
    return f"{source.path}:{getattr(node, 'lineno', 0)}"


def test_only_config_reads_the_environment() -> None:
    """`os.environ` and `os.getenv` stand in libs/shared/config alone."""
    found = [
        where(source, node)
        for source in product()
        if not source.path.startswith("libs/shared/config/")
        for node in source.nodes
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv")
    ]
    assert found == []


def test_no_own_import_inside_a_function() -> None:
    """Imports of our own stand at the top: no cycle is hidden in a function."""
    found = [
        where(source, node)
        for source in sources()
        for function in source.functions()
        for node in ast.walk(function)
        if any(module.split(".")[0] in OWN for module in imported(node))
    ]
    assert found == []


def test_no_service_imports_another() -> None:
    """Not even in a test or for a type: services meet over HTTP and events."""
    found = [
        where(source, node)
        for source in sources()
        for node in source.nodes
        for module in imported(node)
        if crosses(source.path.split("/"), module.split("."))
    ]
    assert found == []


def crosses(path: list[str], module: list[str]) -> bool:
    """Whether this file is in one service and the module in another."""
    inside = path[0] == "services" and len(path) > 2
    return inside and module[0] == "services" and len(module) > 1 and module[1] != path[1]


@pytest.mark.parametrize("library", sorted(WRAPPED))
def test_a_foreign_library_has_one_door(library: str) -> None:
    """Each is imported by the one file or folder that wraps it, so its errors and its types end there."""
    found = {
        source.path
        for source in product()
        if not source.path.startswith(WRAPPED[library])
        for node in source.nodes
        if any(f"{module}.".startswith(f"{library}.") for module in imported(node))
    }
    assert found == set()


def broad(source: Source) -> Iterator[ast.ExceptHandler]:
    """Handlers that end an error of any kind; one that only tidies up and raises it again ends nothing."""
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and not raises_again(node):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or (isinstance(kind, ast.Name) and kind.id in BROAD) for kind in kinds):
                yield node


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


BROAD = ("Exception", "BaseException")


def test_few_broad_excepts() -> None:
    """`except Exception` stands where tasks and reactions are owned, five times at most."""
    found = [where(source, handler) for source in product() for handler in broad(source)]
    assert [place for place in found if not place.startswith(tuple(BROAD_EXCEPT))] == []
    assert len(found) <= MOST_BROAD_EXCEPTS


def test_broad_excepts_say_why() -> None:
    """Each has its reason on its own line."""
    unreasoned = [
        where(source, handler)
        for source in product()
        for handler in broad(source)
        if "BLE001  #" not in source.text.splitlines()[handler.lineno - 1]
    ]
    assert unreasoned == []


def test_what_is_raised_is_of_our_tree() -> None:
    """No builtin exception and none of a library is raised, but where whoever calls us expects it, with the reason."""
    found = {
        f"{source.path}:{name}"
        for source in product()
        for node in source.nodes
        if isinstance(node, ast.Raise) and node.exc is not None
        if foreign(name := ast.unparse(node.exc.func if isinstance(node.exc, ast.Call) else node.exc))
    }
    assert found == set(FOREIGN_RAISES)


def foreign(name: str) -> bool:
    """A builtin exception, or a library's (`aiohttp.ClientError`)."""
    kind = getattr(builtins, name, None)
    module, _, attribute = name.rpartition(".")
    builtin = isinstance(kind, type) and issubclass(kind, BaseException)
    return builtin or (module.islower() and attribute[:1].isupper())


def test_no_mock_or_patch() -> None:
    """The embedded adapters are the fakes: nothing is patched outside of tests of clients."""
    found = [
        where(source, node)
        for source in sources()
        if "/clients/" not in source.path
        for node in source.nodes
        if any(module.startswith("unittest.mock") for module in imported(node))
    ]
    assert found == []
