"""Checking out of git repositories: over http and https alone, dialling only what egress has vetted, with no hook, no
configuration and no helper but ours.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yarl import URL

from libs.shared.egress.client import Egress
from libs.shared.egress.target import Target
from libs.shared.errors import Broken, Invalid
from libs.shared.values import Secret
from services.devops.clients.process import PATH, Job, Outcome, Processes, Sink
from services.devops.domain.run import plain_ref

SETTINGS: Final[Mapping[str, str]] = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.symlinks": "true",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "http.proxy": "",
    "init.defaultBranch": "none",
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
    "submodule.recurse": "false",
    "advice.detachedHead": "false",
}


@dataclass(frozen=True, slots=True)
class Login:
    """Whom a repository knows."""

    user: str
    password: Secret


class Git:
    """Checks out by the git of this machine."""

    def __init__(self, egress: Egress, processes: Processes) -> None:
        self._egress = egress
        self._processes = processes

    async def check_out(self, url: str, ref: str, login: Login | None, job: Job, sink: Sink) -> Outcome:
        """The tree of a branch, tag or commit into `job.cwd`, replacing what git had there. `job.argv` is not read.

        Raises `Invalid` for a URL or a name that isn't accepted, `Denied`, `Missing` or `Busy` for a place that isn't
        reached, `Broken` without git.
        """
        program = shutil.which("git", path=PATH)
        if program is None:
            raise Broken("no-git", "there is no git on this machine")
        target, name = Target.parsed(url), _name(ref)
        if (target.url.host or "") != target.host:
            raise Invalid("git-url", "the host of a repository is named in lower case, without a dot at its end")
        vetted = await self._egress.vetted(target.host, target.port)
        env = {**job.env, **_environment(target, vetted.addresses, login)}
        _fresh(job.cwd)
        outcome = Outcome(0)
        for argv in _commands(str(target.url), name):
            outcome = await self._processes.execute(Job((program, *argv), job.cwd, job.room, env), sink)
            if outcome.why:
                break
        return outcome


def _name(ref: str) -> str:
    """The plain name of a ref: Jenkins takes `*/main` and `origin/main` for it. Raises `Invalid`."""
    for prefix in ("*/", "refs/heads/", "refs/remotes/", "origin/"):
        ref = ref.removeprefix(prefix)
    if not plain_ref(ref):
        raise Invalid("git-ref", "a branch, tag or commit is named by letters, digits and ._/+- alone")
    return ref


def _commands(url: str, ref: str) -> tuple[tuple[str, ...], ...]:
    return (
        ("init", "--quiet", "--template=", "."),
        ("fetch", "--quiet", "--no-tags", "--depth=1", "--no-recurse-submodules", "--", url, ref),
        ("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD"),
        ("log", "-1", "--format=checked out %H: %s"),
    )


def _environment(target: Target, addresses: tuple[str, ...], login: Login | None) -> dict[str, str]:
    """Settings by the environment, which no other user reads, and no argument shows."""
    at = ",".join(f"[{address}]" if ":" in address else address for address in addresses)
    settings = [*SETTINGS.items(), ("http.curloptResolve", f"{target.host}:{target.port}:{at}")]
    if login is not None:
        pair = base64.b64encode(f"{login.user}:{login.password.reveal()}".encode()).decode()
        origin = URL.build(scheme=target.url.scheme, host=target.host, port=target.port)
        settings.append((f"http.{origin}/.extraHeader", f"Authorization: Basic {pair}"))
    found = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": "http:https",
        "GIT_ATTR_NOSYSTEM": "1",
    }
    for place, (key, value) in enumerate(settings):
        found |= {f"GIT_CONFIG_KEY_{place}": key, f"GIT_CONFIG_VALUE_{place}": value}
    return found


def _fresh(folder: Path) -> None:
    """Nothing of what git had there: a step may have written its configuration. Raises `Broken`."""
    there = folder / ".git"
    try:
        if there.is_symlink() or there.is_file():
            there.unlink()
        elif there.is_dir():
            shutil.rmtree(there)
    except OSError as error:
        raise Broken("git-folder", f"what git had in the workspace can't be removed: {error.strerror}") from error
