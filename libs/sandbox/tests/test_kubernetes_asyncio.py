"""The usual Python client, unmodified, against the sandbox: it reads the kubeconfig, makes, lists, watches, patches."""

import asyncio
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from libs.sandbox.tests.served import config, deployment, served

SECONDS = 20


@pytest.mark.skipif(find_spec("kubernetes_asyncio") is None, reason="needs the extra kubernetes")
async def test_the_usual_client(tmp_path: Path) -> None:
    """Typed calls come back typed, a watch tells what is made, and a refusal is its own exception with our reason."""
    kubernetes = import_module("kubernetes_asyncio")
    async with served(tmp_path) as stage, asyncio.timeout(SECONDS):
        settings = kubernetes.client.Configuration()
        await kubernetes.config.load_kube_config(str(stage.sandbox.kubeconfig), client_configuration=settings)
        async with kubernetes.client.ApiClient(settings) as client:
            await lived(kubernetes, client)


async def lived(kubernetes: Any, client: Any) -> None:
    """What is done with it."""
    core, apps = kubernetes.client.CoreV1Api(client), kubernetes.client.AppsV1Api(client)
    await core.create_namespaced_config_map("default", {**config("a", {"app": "x"}), "data": {"k": "v"}})
    found = await core.list_namespaced_config_map("default", label_selector="app=x")
    assert [(item.metadata.name, item.data) for item in found.items] == [("a", {"k": "v"})]
    made = await apps.create_namespaced_deployment("default", deployment())
    assert made.spec.strategy.rolling_update.max_surge == "25%"
    scaled = await apps.patch_namespaced_deployment_scale(
        "web",
        "default",
        [
            {"op": "replace", "path": "/spec/replicas", "value": 4},
        ],
    )
    assert scaled.spec.replicas == 4
    with pytest.raises(kubernetes.client.ApiException) as refused:
        await core.create_namespaced_config_map("default", config("a"))
    assert (refused.value.status, "AlreadyExists" in refused.value.body) == (409, True)
    watch = kubernetes.watch.Watch()
    async with watch.stream(core.list_namespaced_config_map, "default", timeout_seconds=5) as events:
        seen = []
        async for event in events:
            seen.append((event["type"], event["object"].metadata.name))
            if len(seen) == 1:
                await core.create_namespaced_config_map("default", config("b"))
            if len(seen) == 2:
                break
    assert seen == [("ADDED", "a"), ("ADDED", "b")]
    versions = await kubernetes.client.VersionApi(client).get_code()
    assert "sandbox" in versions.git_version
