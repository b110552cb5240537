"""State: nothing at module level changes, and domain and commands know neither clock nor chance."""

import ast

from tests.house.exceptions import MUTABLE_STATE
from tests.house.source import imported, product

MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MAKERS = frozenset({"list", "dict", "set", "defaultdict", "deque", "Counter", "OrderedDict", "Queue", "Lock", "Event"})
IMPURE = frozenset({"time", "random", "secrets", "os", "socket", "asyncio"})


def mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        return name in MAKERS
    return isinstance(value, MUTABLE)


def names(node: ast.Assign | ast.AnnAssign) -> list[str]:
    return [ast.unparse(target) for target in (node.targets if isinstance(node, ast.Assign) else [node.target])]


def read_only(node: ast.Assign | ast.AnnAssign) -> bool:
    """Whether its annotation promises that nobody writes: Mapping, Sequence, Final."""
    annotation = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else ""
    return names(node) == ["__all__"] or annotation.startswith(("Mapping", "Sequence", "Final", "frozenset"))


def test_no_module_level_state() -> None:
    """A list, dict or set at module level is a tuple, a frozenset, or annotated as Mapping; `global` doesn't exist."""
    found = {
        f"{source.path}:{name}"
        for source in product()
        for node in source.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and mutable(node.value) and not read_only(node)
        for name in names(node)
    } | {
        f"{source.path}:{node.lineno}" for source in product() for node in source.nodes if isinstance(node, ast.Global)
    }
    assert found == set(MUTABLE_STATE)


def room(path: str) -> str:
    """`domain` of services/accounts/domain/user.py and services/accounts/domain.py; empty outside of a service."""
    parts = path.removesuffix(".py").split("/")
    return parts[2] if parts[0] == "services" and len(parts) > 2 else ""


def test_domain_and_commands_are_pure() -> None:
    """Time and ids come in as values: no clock, chance, network or task is imported there."""
    rooms = ("domain", "commands", "reactions", "shapes")
    found = {
        f"{source.path}:{module}"
        for source in product()
        if room(source.path) in rooms
        for node in source.nodes
        for module in imported(node)
        if module.split(".")[0] in IMPURE
    }
    assert found == set()


def test_now_is_asked_of_the_clock() -> None:
    """`datetime.now`, `time.time` and the like stand in values.py alone; everything else is handed a clock."""
    asked = {
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "time.time",
        "time.time_ns",
        "uuid.uuid1",
        "uuid.uuid4",
    }
    found = {
        f"{source.path}:{node.lineno}"
        for source in product()
        if source.path != "libs/shared/values.py"
        for node in source.nodes
        if isinstance(node, ast.Attribute) and ast.unparse(node) in asked
    }
    assert found == set()
