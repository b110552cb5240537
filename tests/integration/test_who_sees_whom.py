"""What the list of users tells to whom: a picker for everybody, roles and members for who may see them."""

from __future__ import annotations

from typing import Any

import aiohttp

from tests.suite import running

IAM = "/kapis/iam.kubesphere.io/v1alpha2"
ROLE = "iam.kubesphere.io/globalrole"


async def test_a_plain_user_sees_nobodys_role_but_his_own() -> None:
    """He lists users to pick from; who is an administrator, and who belongs to a foreign workspace, he isn't told."""
    async with running(admin_password="P@88w0rd") as suite, aiohttp.ClientSession(suite.gateway) as session:

        async def token(name: str, password: str) -> dict[str, str]:
            form = {"grant_type": "password", "username": name, "password": password}
            form |= {"client_id": "kubesphere", "client_secret": "kubesphere"}
            async with session.post("/oauth/token", data=form) as answer:
                return {"Authorization": f"Bearer {(await answer.json())['access_token']}"}

        async def listed(who: dict[str, str], query: str = "") -> tuple[int, Any]:
            async with session.get(IAM + "/users" + query, headers=who) as answer:
                return answer.status, await answer.json(content_type=None) if answer.status == 200 else None

        admin = await token("admin", "P@88w0rd")
        body = {
            "metadata": {"name": "plain", "annotations": {ROLE: "platform-regular"}},
            "spec": {"email": "plain@example.com", "password": "Passw0rd-1"},
        }
        async with session.post(IAM + "/users", json=body, headers=admin) as answer:
            assert answer.status == 200
        space = {"metadata": {"name": "ws1"}, "spec": {"template": {"spec": {"manager": "admin"}}}}
        async with session.post(
            "/kapis/tenant.kubesphere.io/v1alpha3/workspacetemplates", json=space, headers=admin
        ) as answer:
            assert answer.status == 200
        plain = await token("plain", "Passw0rd-1")
        status, found = await listed(plain)
        shown = {item["metadata"]["name"]: item["metadata"]["annotations"].get(ROLE) for item in found["items"]}
        assert (status, shown) == (200, {"admin": None, "plain": "platform-regular"})
        assert (await listed(plain, "?globalrole=platform-admin"))[1]["totalItems"] == 0
        assert (await listed(plain, "?workspace=ws1"))[0] == 403
        assert (await listed(plain, "?workspace={user}"))[0] == 403
        assert (await listed(admin, "?workspace=ws1"))[1]["items"][0]["metadata"]["name"] == "admin"
        assert (await listed(admin, "?globalrole=platform-admin"))[1]["totalItems"] == 1
