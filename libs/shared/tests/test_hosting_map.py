"""The map: everything that services declare, one line each, where an editor's search finds it."""

from libs.shared.hosting.map import drawn
from libs.shared.tests.test_hosting_suite import BELL, ECHO, FRONT

HERE = "libs.shared.tests.test_hosting_suite"


def lines(text: str, section: str) -> list[list[str]]:
    return [line.split() for line in text.partition(f"{section}\n")[2].partition("\n\n")[0].splitlines()]


def test_route_names_its_function() -> None:
    """Service, method, path, who may pass, function."""
    assert lines(drawn((BELL, ECHO, FRONT)), "ROUTES") == [
        ["bell", "POST", "/rings/{name}", "internal", f"{HERE}:post_ring"]
    ]


def test_event_names_publisher_and_listeners() -> None:
    """Reactions and followers, each on its own line; an event that nobody hears stands alone."""
    assert lines(drawn((BELL, ECHO, FRONT)), "EVENTS") == [
        ["bell", "Rang", "echo", "reacts", f"{HERE}:keep_echo"],
        ["bell", "Rang", "front", "follows", f"{HERE}:hear"],
    ]
    assert lines(drawn((BELL,)), "EVENTS") == [["bell", "Rang"]]


def test_worker_names_its_loop() -> None:
    """And whether one copy or every copy runs it."""
    assert lines(drawn((BELL,)), "WORKERS") == [["bell", "wake", "one", "at", "a", "time", f"{HERE}:wake"]]


def test_nothing_is_said_to_be_nothing() -> None:
    """A section without a line says so, and lines have no blanks at their ends."""
    text = drawn((ECHO,))
    assert lines(text, "KINDS") == [["none"]]
    assert all(line == line.rstrip() for line in text.splitlines())
