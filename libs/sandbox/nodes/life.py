"""The life of a pod's containers: from the state that stands and the time, the state that follows. Pure.

Annotations of a pod: `sandbox.orrery.io/crash: "<seconds>"` ends its containers with an error so many seconds after
each start; `sandbox.orrery.io/hang: "true"` (or seconds after the start) lets them stop answering, writing and ending.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from libs.sandbox.controllers.meta import Body, Seen, short_hash
from libs.sandbox.copying import copied
from libs.sandbox.nodes.lines import at_time
from libs.sandbox.nodes.usage import noise
from libs.shared.objects.meta import instant, moment

CRASH: Final = "sandbox.orrery.io/crash"
HANG: Final = "sandbox.orrery.io/hang"
LONGEST_BACKOFF: Final = 300.0
"""Seconds."""
_FIRST_BACKOFF: Final = 10.0
_FORGIVEN: Final = 600.0
"""Seconds of running after which earlier crashes don't count."""
_LATE: Final = 60.0
"""Seconds after which an end that was not seen counts as of now."""
_INIT: Final = 0.3
"""Seconds that an init container takes."""
_SLEEP: Final = re.compile(r"\bsleep\s+(\d+(?:\.\d+)?)")
_EXIT: Final = re.compile(r"\bexit\s+(\d{1,3})\b")


@dataclass(frozen=True, slots=True)
class Told:
    """Something to tell as an Event."""

    reason: str
    message: str
    warning: bool = False


@dataclass(slots=True)
class Turn:
    """One look at a pod: what it says, when to look again, and what happened. `began` is when its node took it up;
    times are Unix seconds.
    """

    pod: Seen
    now: float
    began: float
    due: float = math.inf
    told: list[Told] = field(default_factory=list)

    @property
    def uid(self) -> str:
        """The pod's uid."""
        return str(self.pod["metadata"]["uid"])

    @property
    def policy(self) -> str:
        """Whether and when containers start again."""
        return str(self.pod["spec"].get("restartPolicy", "Always"))

    def later(self, at: float) -> None:
        """Look again at this time, or earlier."""
        self.due = min(self.due, at)


def marked(pod: Seen, annotation: str) -> float:
    """Seconds that an annotation says; infinity where it says nothing, 0 for `true`."""
    text = str((pod["metadata"].get("annotations") or {}).get(annotation, "")).strip()
    if text == "true":
        return 0.0
    try:
        seconds = float(text)
    except ValueError:
        return math.inf
    return seconds if seconds >= 0 else math.inf


def seconds(text: str) -> float:
    """An RFC 3339 text as Unix seconds; 0 for none."""
    found = moment(text)
    return found.timestamp() if found else 0.0


def backoff(restarts: int) -> float:
    """Seconds until a container that has been started again so often is started once more."""
    return 0.0 if restarts <= 0 else min(LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(restarts - 1, 16))


def containers(turn: Turn) -> tuple[list[Body], list[Body]]:
    """Statuses of init containers and of containers as they are now."""
    status = turn.pod.get("status") or {}
    spec = turn.pod["spec"]
    pulled = turn.began + 0.25 + 0.5 * noise(turn.uid, "pull")
    inits = [_init(turn, each, pulled + place * _INIT) for place, each in enumerate(spec.get("initContainers") or ())]
    ready_at = pulled + len(inits) * _INIT
    known = {each["name"]: each for each in status.get("containerStatuses") or ()}
    return inits, [_container(turn, each, known.get(each["name"]), ready_at) for each in spec.get("containers") or ()]


def _blank(container: Seen) -> Body:
    image = str(container.get("image", ""))
    return {
        "name": container["name"],
        "image": image,
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "started": False,
        "state": {},
        "lastState": {},
    }


def _init(turn: Turn, container: Seen, start: float) -> Body:
    status = _blank(container)
    if turn.now < start:
        turn.later(start)
        return status | {"state": {"waiting": {"reason": "PodInitializing"}}}
    identity = _identity(turn, container, 0)
    if container.get("restartPolicy") == "Always" or turn.now < start + _INIT:
        turn.later(start + _INIT if turn.now < start + _INIT else math.inf)
        sidecar = container.get("restartPolicy") == "Always"
        running = {"running": {"startedAt": instant(at_time(start))}}
        return status | identity | {"state": running, "started": True, "ready": sidecar}
    times = {"startedAt": instant(at_time(start)), "finishedAt": instant(at_time(start + _INIT))}
    ended = {"exitCode": 0, "reason": "Completed", **times, "containerID": identity["containerID"]}
    return status | identity | {"state": {"terminated": ended}, "ready": True}


def _identity(turn: Turn, container: Seen, restarts: int) -> dict[str, Any]:
    image = str(container.get("image", ""))
    return {
        "containerID": f"simulated://{short_hash([turn.uid, container['name'], restarts], 32)}",
        "imageID": f"{image.split('@', maxsplit=1)[0]}@sha256:{short_hash(image, 32)}",
    }


def _container(turn: Turn, container: Seen, known: Body | None, start: float) -> Body:
    """Follow it through as many states as its time has come for."""
    status = copied(known) if known else _blank(container)
    for _ in range(8):
        state = status["state"]
        if "running" in state:
            if not _ended(turn, container, status):
                break
        elif "terminated" in state:
            if not _restarted(turn, container, status):
                break
        elif not _started(turn, container, status, start):
            break
    return status


def _started(turn: Turn, container: Seen, status: Body, start: float) -> bool:
    """From waiting to running, when the image is there, or the wait after a crash is over."""
    waiting = status["state"].get("waiting") or {}
    crashed = (status["lastState"].get("terminated") or {}).get("finishedAt")
    if crashed:
        start = seconds(crashed) + backoff(int(status["restartCount"]))
    if turn.now < start:
        turn.later(start)
        if not waiting:
            inits = turn.pod["spec"].get("initContainers")
            status["state"] = {"waiting": {"reason": "PodInitializing" if inits else "ContainerCreating"}}
        return False
    status["restartCount"] = int(status["restartCount"]) + bool(crashed)
    _run(turn, container, status)
    return True


def _run(turn: Turn, container: Seen, status: Body) -> None:
    image, name = container.get("image", ""), container["name"]
    status["state"] = {"running": {"startedAt": instant(at_time(turn.now))}}
    status |= {"started": True, **_identity(turn, container, int(status["restartCount"]))}
    turn.told += [
        Told("Pulled", f'Container image "{image}" already present on machine'),
        Told("Created", f"Created container: {name}"),
        Told("Started", f"Started container {name}"),
    ]


def _ended(turn: Turn, container: Seen, status: Body) -> bool:
    """From running to terminated, when it crashes or is done; else whether it is ready."""
    started = seconds(status["state"]["running"]["startedAt"])
    hung = started + marked(turn.pod, HANG)
    end, code = _end_of(turn, container, started)
    if end <= min(turn.now, hung):
        end = end if turn.now - end < _LATE else turn.now  # what was annotated, or slept through, ends now
        status["state"] = {"terminated": _last(status, started, end, code)}
        status |= {"ready": False, "started": False}
        return True
    turn.later(end)
    answers = started + float((container.get("readinessProbe") or {}).get("initialDelaySeconds", 0))
    serves = answers <= turn.now < hung
    if turn.now < answers:
        turn.later(answers)
    if turn.now >= hung and status["ready"]:
        turn.told.append(Told("Unhealthy", "Readiness probe failed: no answer within 1s", warning=True))
    turn.later(hung if turn.now < hung else math.inf)
    status["ready"] = serves
    return False


def _last(status: Seen, started: float, end: float, code: int) -> Body:
    return {
        "exitCode": code,
        "reason": "Completed" if code == 0 else "Error",
        "startedAt": instant(at_time(started)),
        "finishedAt": instant(at_time(max(end, started))),
        "containerID": status.get("containerID", ""),
    }


def _end_of(turn: Turn, container: Seen, started: float) -> tuple[float, int]:
    """When a run ends, and with which code. Pods that are always started again run until they crash."""
    crash = marked(turn.pod, CRASH)
    if crash < math.inf:
        return started + max(1.0, crash), 1
    if turn.policy == "Always":
        return math.inf, 0
    return started + _takes(turn, container), code_of(container)


def _takes(turn: Turn, container: Seen) -> float:
    found = _SLEEP.search(words_of(container))
    return float(found[1]) if found else 1.5 + 1.5 * noise(turn.uid, "takes")


def words_of(container: Seen) -> str:
    """Command and arguments in one line."""
    return " ".join(map(str, [*(container.get("command") or ()), *(container.get("args") or ())]))


def code_of(container: Seen) -> int:
    """The exit code that a command says: `exit 3`, `false`; else 0."""
    words = words_of(container)
    found = _EXIT.search(words)
    return int(found[1]) if found else int(words.rsplit("/", 1)[-1].strip() == "false")


def _restarted(turn: Turn, container: Seen, status: Body) -> bool:
    """From terminated to waiting or running again, unless it is over."""
    ended = status["state"]["terminated"]
    if turn.policy == "Never" or (turn.policy == "OnFailure" and ended["exitCode"] == 0):
        return False
    status["lastState"] = {"terminated": ended}
    ran = seconds(ended["finishedAt"]) - seconds(ended["startedAt"])
    if status["restartCount"] == 0 or ran > _FORGIVEN:
        status["restartCount"] = int(status["restartCount"]) + 1
        _run(turn, container, status)
        return True
    wait = backoff(int(status["restartCount"]))
    text = f"back-off {wait:.0f}s restarting failed container={container['name']} pod={turn.pod['metadata']['name']}"
    status["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": text}}
    turn.told.append(Told("BackOff", f"Back-off restarting failed container {container['name']}", warning=True))
    return True


def phase_of(policy: str, statuses: list[Body]) -> str:
    """A pod's phase by the states of its containers."""
    states: list[Mapping[str, Any]] = [status["state"] for status in statuses]
    if states and all("terminated" in state for state in states):
        return "Succeeded" if all(state["terminated"]["exitCode"] == 0 for state in states) else "Failed"
    begun = all("running" in s["state"] or s["lastState"] or "terminated" in s["state"] for s in statuses)
    del policy
    return "Running" if states and begun else "Pending"
