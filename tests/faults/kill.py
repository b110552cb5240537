"""Kill the real suite at every failpoint in turn, under mixed commands, and check what is left.

    python -m tests.faults.kill [--commands 1000] [--seed 1]

One data folder lives through all of it. For each failpoint the suite is started with the order to kill itself there,
clients ask until it has died, it is started again without, and the rest is asked. At the end everything is checked.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import pathlib
import random
import sys
import tempfile
from dataclasses import dataclass

from tests.faults.model import Verdict, judge
from tests.faults.process import PATIENCE, Died, Mailbox, Suite
from tests.faults.traffic import Clients, History, chains

FAILPOINTS = (
    "store.before-commit",
    "store.after-commit",
    "relay.before-publish",
    "relay.after-publish",
    "relay.after-told",
    "consume.before-commit",
    "consume.after-commit",
    "consume.after-ack",
    "mail.before-send",
    "mail.after-accepted",
)


STRUCK = {"store": (20, 60), "relay": (2, 5), "consume": (3, 10), "mail": (3, 8)}
"""At which hit a point strikes: late enough for the start to be over, early enough for where work goes in batches."""


@dataclass
class Round:
    """One failpoint: whether it killed, and how long the next start took."""

    failpoint: str
    nth: int
    killed: bool
    recovered: float


async def one_round(suite: Suite, history: History, failpoint: str, commands: int, chance: random.Random) -> Round:
    """Die at this failpoint under commands, come back, and finish them."""
    nth = chance.randint(*STRUCK[failpoint.partition(".")[0]])
    with contextlib.suppress(Died):
        await suite.start(f"{failpoint}=kill@{nth}")
    work = list(chains(failpoint.replace(".", "-"), commands, chance))
    half = len(work) // 2
    left = await Clients(suite, history).run(work[:half])
    assert suite.process is not None
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(suite.process.wait(), PATIENCE)
    killed = suite.died
    if not killed:
        await suite.stop()
    recovered = await suite.start()
    await Clients(suite, history).run(left + work[half:])
    await suite.stop()
    return Round(failpoint, nth, killed, recovered)


async def run(commands: int, seed: int, folder: pathlib.Path) -> tuple[list[Round], Verdict]:
    """All rounds, and the verdict over all."""
    chance, history, mailbox = random.Random(seed), History(), Mailbox()  # noqa: S311 - repeatable, not secret
    data = folder / "data"
    data.mkdir()
    mailbox.controller.start()
    try:
        suite = Suite(data, mailbox.address)
        await suite.start()
        await suite.stop()
        rounds = [await one_round(suite, history, f, commands // len(FAILPOINTS), chance) for f in FAILPOINTS]
        await suite.start()
        try:
            verdict = await judge(suite, mailbox, history)
        finally:
            code = await suite.stop()
        assert code == 0, f"the last stop ended with {code}"
    finally:
        mailbox.controller.stop()
    return rounds, verdict


def table(rounds: list[Round], verdict: Verdict) -> str:
    """The result as Markdown."""
    lines = ["| killed at | hit | killed | next start |", "|---|---|---|---|"]
    lines += [f"| {r.failpoint} | {r.nth} | {'yes' if r.killed else 'NO'} | {r.recovered:.2f} s |" for r in rounds]
    v = verdict
    lines += [
        "",
        "| | |",
        "|---|---|",
        f"| commands acknowledged | {v.acknowledged} |",
        f"| outcome unknown to the client, of these done | {v.unknown}, {v.unknown_done} |",
        f"| events in the log | {v.events} |",
        f"| acknowledged commands lost | {len(v.lost_commands)} |",
        f"| events doubled | {len(v.doubled_events)} |",
        f"| subjects out of order | {len(v.broken_order)} |",
        f"| letters missing / doubled | {len(v.missing_letters)} / {len(v.doubled_letters)} |",
        f"| mailed twice, under the same Message-ID / under another | {v.mailed_twice} / {len(v.other_message_id)} |",
        f"| parked messages left | {v.parked} |",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run, print the table, exit 1 when something was lost or doubled."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--commands", type=int, default=1000)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="orrery-kill-") as folder:
        rounds, verdict = asyncio.run(run(chosen.commands, chosen.seed, pathlib.Path(folder)))
    print(table(rounds, verdict))
    bad = {k: v[:5] if isinstance(v, list) else v for k, v in verdict.faults.items()}
    missed = [r.failpoint for r in rounds if not r.killed]
    if bad or missed:
        sys.exit(f"faults: {bad}, never killed at: {missed}")


if __name__ == "__main__":
    main()
