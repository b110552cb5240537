"""Events: what is declared is told somewhere, what is listened to is declared, and each reaction has a test."""

import ast
from importlib import import_module

import pytest

from libs.shared.event import Event
from libs.shared.service import Service
from services.catalogue import CATALOGUE, service
from tests.house.exceptions import UNTESTED_REACTIONS, UNTOLD_EVENTS
from tests.house.source import ROOT, product, sources


def services() -> tuple[Service, ...]:
    return tuple(service(name) for name in CATALOGUE)


def contracts() -> dict[str, tuple[type[Event], ...]]:
    """Service -> the events of its proto file."""
    folder = ROOT / "libs" / "shared" / "contracts"
    names = {path.stem.removesuffix("_v1"): path.stem for path in folder.glob("*_v1.py")}
    return {name: import_module(f"libs.shared.contracts.{module}").EVENTS for name, module in names.items()}


def test_each_service_publishes_what_its_proto_declares() -> None:
    """The contract and the service's own declaration are the same set."""
    declared = {name: set(events) for name, events in contracts().items() if events}
    assert {s.name: set(s.publishes) for s in services() if s.publishes} == declared


def test_each_declared_event_is_told_somewhere() -> None:
    """An event that no code of its service makes is a promise that nobody keeps."""
    made = {
        (source.path.split("/")[1], ast.unparse(node.func).rpartition(".")[2])
        for source in product()
        if source.path.startswith("services/")
        for node in source.nodes
        if isinstance(node, ast.Call)
    }
    declared = {(name, event.__name__) for name, events in contracts().items() for event in events}
    assert {f"{owner}.{event}" for owner, event in declared - made} == set(UNTOLD_EVENTS)


def test_each_reaction_listens_to_a_declared_event() -> None:
    """Reactions and followers hear nothing that nobody publishes."""
    published = {event for s in services() for event in s.publishes}
    heard = {on.event for s in services() for on in s.reactions} | {f.event for s in services() for f in s.follows}
    assert heard - published == set()


def test_a_service_reacts_once_to_an_event() -> None:
    """Two reactions of one service to one event would share an inbox note: the second would never run."""
    for one in services():
        events = [on.event for on in one.reactions]
        assert len(events) == len(set(events)), one.name


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_reaction_has_a_test(name: str) -> None:
    """Every reaction, or the event that it reacts to, is named in its service's tests."""
    tests = "\n".join(s.text for s in sources() if s.test and s.path.startswith(f"services/{name}/"))
    untested = {
        f"{name}.{on.reaction.__name__}"
        for on in service(name).reactions
        if on.reaction.__name__ not in tests and on.event.__name__ not in tests
    }
    assert untested == {reaction for reaction in UNTESTED_REACTIONS if reaction.startswith(f"{name}.")}


def test_names_are_unique() -> None:
    """A worker's name is its lease, a document's collection its table: each once a service."""
    for one in services():
        workers = [worker.name for worker in one.workers]
        collections = [document.collection() for document in one.documents]
        assert len(workers) == len(set(workers)), one.name
        assert len(collections) == len(set(collections)), one.name
