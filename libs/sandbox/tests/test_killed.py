"""A sandbox that is killed: everything that it had answered for is there again."""

import asyncio
import sys
from pathlib import Path

from libs.sandbox.tests.served import CONFIGS, config, served

CHILD = """
import asyncio, sys
from pathlib import Path
from libs.sandbox.tests.served import CONFIGS, config, served

async def main():
    async with served(Path(sys.argv[1])) as stage:
        for number in range(10_000):
            made = await stage.kube.create(CONFIGS, config(f"c{number}"))
            print(made["metadata"]["name"], made["metadata"]["resourceVersion"], flush=True)

asyncio.run(main())
"""
ENOUGH = 50


async def test_what_was_answered_is_kept(tmp_path: Path) -> None:
    """Killed while it writes: each object that was answered stands, and no version is given out twice."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    told = [await child.stdout.readline() for _ in range(ENOUGH)]
    child.kill()
    told += (await child.stdout.read()).splitlines(keepends=True)
    await child.wait()
    answered = dict(line.decode().split() for line in told if line.endswith(b"\n"))
    assert len(answered) >= ENOUGH
    async with served(tmp_path) as stage:
        items = (await stage.kube.get(CONFIGS))["items"]
        stand = {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in items}
        assert answered.items() <= stand.items()
        made = await stage.kube.create(CONFIGS, config("after"))
        assert int(made["metadata"]["resourceVersion"]) > max(map(int, stand.values()))
