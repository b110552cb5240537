"""Lists in parts and watches against a model, over random histories of writes."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from libs.shared.tests.kinds_service import VAULTS, Bank, bank

NO_SHRINK = (Phase.explicit, Phase.reuse, Phase.generate)
"""An example that fails takes its time to fail."""
NAMES = ["a", "b", "c", "d"]
WRITES = st.tuples(st.sampled_from(NAMES), st.sampled_from(["prod", "test", ""]))
"""A name, and the label that it is to have; empty removes it."""
HISTORIES = st.lists(st.lists(WRITES, min_size=1, max_size=4), min_size=1, max_size=6)
"""Batches of writes that are sent at once, so that some share a revision."""
LAST = "zz-last"


async def write(served: Bank, name: str, env: str) -> None:
    path = f"{VAULTS}/{name}"
    if not env:
        await served.ask("DELETE", path)
    elif (await served.patch(path, {"metadata": {"labels": {"env": env}}}))[0] == 404:
        await served.ask("POST", VAULTS, {"metadata": {"name": name, "labels": {"env": env}}, "spec": {}})


async def play(served: Bank, history) -> None:
    for batch in history:
        await asyncio.gather(*(write(served, name, env) for name, env in batch))


def told(state: dict, event) -> None:
    thing = event["object"]
    assert event["type"] in ("ADDED", "MODIFIED", "DELETED")
    if event["type"] == "DELETED":
        state.pop(thing["metadata"]["name"], None)
    else:
        state[thing["metadata"]["name"]] = thing


async def follow(served: Bank, *, hops: bool) -> dict:
    """What a watcher of env=prod ends with. With hops it hangs up after the first event of each revision, and resumes
    there: the others of that revision must not be lost.
    """
    state: dict = {}
    resume = ""
    hopped: set[str] = set()
    while LAST not in state:
        query = f"watch=true&labelSelector=env=prod&resourceVersion={resume}"
        async with served.session.get(f"{served.url}{VAULTS}?{query}") as response:
            while LAST not in state:
                event = json.loads(await asyncio.wait_for(response.content.readline(), 2))
                told(state, event)
                resume = event["object"]["metadata"]["resourceVersion"]
                if hops and resume not in hopped:
                    hopped.add(resume)
                    break
    return state


@settings(max_examples=20, deadline=None, phases=NO_SHRINK)
@given(HISTORIES)
async def test_watchers_end_with_what_a_list_shows(history):
    """Whatever is written, one at a time or together: a watcher with a selector ends with exactly the objects and
    versions of a list with that selector, whether it stays or hangs up again and again.
    """
    with tempfile.TemporaryDirectory() as folder:
        async with bank(Path(folder)) as served:
            await play(served, history[:1])
            followers = [asyncio.create_task(follow(served, hops=hops)) for hops in (False, True)]
            await asyncio.sleep(0.01)
            await play(served, history[1:])
            await write(served, LAST, "prod")
            states = await asyncio.gather(*followers)
            _, answer = await served.ask("GET", f"{VAULTS}?labelSelector=env=prod")
    shown = {item["metadata"]["name"]: item for item in answer["items"]}
    assert states == [shown, shown]


@settings(max_examples=20, deadline=None, phases=NO_SHRINK)
@given(HISTORIES, st.integers(1, 3), st.sampled_from(["", "labelSelector=env=prod"]))
async def test_the_parts_of_a_list_are_the_list_as_it_stood(history, limit, selector):
    """Whatever is written between the parts: together they are what one list showed when the first part was read."""
    with tempfile.TemporaryDirectory() as folder:
        async with bank(Path(folder)) as served:
            await play(served, history[:1])
            _, whole = await served.ask("GET", f"{VAULTS}?{selector}")
            found: list = []
            token = ""
            for batch in [*history, *[[]] * 9]:
                query = f"{selector}&limit={limit}&continue={token}"
                status, part = await served.ask("GET", f"{VAULTS}?{query}")
                assert status == 200
                found += part["items"]
                token = part["metadata"].get("continue", "")
                if not token:
                    break
                await asyncio.gather(*(write(served, name, env) for name, env in batch))
    assert found == whole["items"]
    assert part["metadata"]["resourceVersion"] == whole["metadata"]["resourceVersion"]
