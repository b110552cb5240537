"""Credentials for the time of a block or a stage: opened here alone, hidden in whatever is written from then on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from libs.shared.values import Secret
from services.devops.clients.git import Login
from services.devops.domain.credential import SHOWN, belongs
from services.devops.domain.jenkinsfile.model import Call, Template, Value, Variable
from services.devops.domain.jenkinsfile.steps import LENDINGS
from services.devops.domain.run import Result
from services.devops.queries import credential as queries
from services.devops.workers.bench import Bench
from services.devops.workers.leash import Halt


@dataclass(slots=True)
class Lent:
    """Variables with their texts, and those whose text goes into a file."""

    env: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, str]] = field(default_factory=list)


async def bound(bindings: Iterable[Value], bench: Bench) -> Lent:
    """What withCredentials lends. Raises `Halt` for a credential that there is not, or of another type."""
    lent = Lent()
    for binding in bindings:
        if not isinstance(binding, Call):
            continue
        lending = LENDINGS[binding.name]
        found = await _opened(_plain(binding.args["credentialsId"]), lending.type, bench)
        for argument, part in lending.parts.items():
            if argument not in binding.args:
                continue
            name, text = _plain(binding.args[argument]), found.get(part, "")
            if part in lending.files:
                lent.files.append((name, text))
            else:
                lent.env[name] = text
    return lent


async def named(variable: Variable, identity: str, bench: Bench) -> Lent:
    """What `NAME = credentials('id')` lends: `NAME`, and of a pair `NAME_USR` and `NAME_PSW`."""
    found, name = await _opened(identity, "", bench), variable.name
    if "secret" in found:
        return Lent({name: found["secret"]})
    if "content" in found:
        return Lent(files=[(name, found["content"])])
    user, password = found.get("username", ""), found.get("password", found.get("passphrase", ""))
    pair = {f"{name}_USR": user, f"{name}_PSW": password}
    if "private_key" in found:
        return Lent(pair, [(name, found["private_key"])])
    bench.lent((f"{user}:{password}",))
    return Lent({**pair, name: f"{user}:{password}"})


async def login(identity: str, bench: Bench) -> Login | None:
    """Whom a repository is asked as; None where no credential is named."""
    if not identity:
        return None
    found = await _opened(identity, "basic-auth", bench)
    return Login(found.get("username", ""), Secret(found.get("password", "")))


@contextmanager
def held(lent: Lent, bench: Bench) -> Iterator[Mapping[str, str]]:
    """The variables, with files for the time of the block."""
    with bench.files(lent.files) as paths:
        yield {**lent.env, **paths}


async def _opened(identity: str, kind: str, bench: Bench) -> dict[str, str]:
    """The parts of a credential of the run's own project, which are hidden from now on."""
    standing = await queries.look(bench.parts.store, bench.run.project, identity)
    if standing is None or not standing.kind or (kind and standing.kind != kind):
        what = f" of type {kind}" if kind else ""
        raise Halt(Result.FAILURE, f"the project has no credential {identity[:100]!r}{what}")
    found = dict(standing.shown)
    for part, sealed in standing.sealed.items():
        owner = belongs(bench.project, standing.name, part)
        found[part] = bench.parts.works.sealer.unseal(sealed, owner).reveal() if sealed else ""
    bench.lent(text for part, text in found.items() if part not in SHOWN)
    return found


def _plain(value: Value) -> str:
    return (value.plain if isinstance(value, Template) else None) or ""
