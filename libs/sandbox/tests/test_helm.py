"""Helm 4, unmodified, against the sandbox: a release's whole life, and what it leaves."""

import asyncio
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
import pytest

from libs.sandbox.tests.served import served
from libs.sandbox.world import whole
from libs.shared.errors import Missing

HERE = Path(__file__).parent
SPACE = "release"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{SPACE}/deployments/shop"
SECONDS = 120


@pytest.mark.skipif(find_spec("helm_python") is None, reason="needs helm-python-sdk, of the extra openpitrix")
async def test_a_release_lives(tmp_path: Path) -> None:
    """Installed and waited for, upgraded, rolled back, uninstalled; one without rights is refused in words."""
    async with served(tmp_path, whole) as stage, asyncio.timeout(SECONDS):
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, str(HERE / "helm_child.py"), str(stage.sandbox.kubeconfig), str(HERE / "chart"), SPACE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None
        assert child.stdin is not None
        steps = child.stdout
        assert await told(steps) == {"step": "install", "status": "deployed"}
        assert await told(steps) == {"step": "upgrade", "status": "deployed", "revision": 2}
        assert await told(steps) == {"step": "rollback", "history": ["superseded", "superseded", "deployed"]}
        stands = await stage.kube.get(DEPLOYMENT)
        assert (stands["spec"]["replicas"], stands["status"]["readyReplicas"]) == (2, 2)
        assert [entry["manager"] for entry in stands["metadata"]["managedFields"] if entry["operation"] == "Apply"]
        assert (await stage.kube.get(f"/api/v1/namespaces/{SPACE}/configmaps/shop"))["data"] == {"text": "hello"}
        child.stdin.write(b"\n")
        assert await told(steps) == {"step": "uninstall", "left": []}
        with pytest.raises(Missing):
            await stage.kube.get(DEPLOYMENT)
        refused = await told(steps)
        assert 'User "bob" cannot get resource' in refused["why"]
        assert await child.wait() == 0


async def told(steps: asyncio.StreamReader) -> dict[str, Any]:
    """The child's next line."""
    found: dict[str, Any] = orjson.loads(await steps.readline())
    return found
