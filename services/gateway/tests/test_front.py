"""The front: who is let in, what is refused in which words, what reaches a service."""

from __future__ import annotations

from services.gateway.tests.conftest import Stage
from services.gateway.tests.standin import IAM


async def test_forwards_what_is_decided(stage: Stage) -> None:
    """A permitted request reaches its service under the caller's name; his token does not."""
    code, body = await stage.ask("view", "GET", IAM + "/workspaces/a/workspacemembers?limit=10&sortBy=name")
    assert code == 200
    assert (body["user"], body["groups"], body["session"]) == ("view", ["system:authenticated"], "s-view")
    assert body["answers"] == {"manages": False, "roles": True, "mine": ["a"]}
    assert body["target"] == IAM + "/workspaces/a/workspacemembers?limit=10&sortBy=name"
    assert "authorization" not in body["headers"]
