"""Steps: which there are, what they take, and how each is read and judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from services.devops.domain.jenkinsfile.lexer import Kind, Token
from services.devops.domain.jenkinsfile.model import Call, Place, Step, Template, Value
from services.devops.domain.jenkinsfile.reader import Tokens
from services.devops.domain.jenkinsfile.refusal import refused, shown
from services.devops.domain.jenkinsfile.values import POSITIONAL, Arguments, arguments, parenthesized, value

TEXT, NUMBER, BOOL, LIST, MAP = "a text", "a number", "true or false", "a list", "a map"
UNITS: Final[Mapping[str, float]] = {
    "MILLISECONDS": 0.001, "SECONDS": 1, "MINUTES": 60, "HOURS": 3600, "DAYS": 86400,
}  # fmt: skip
LONGEST_WAIT: Final = 30 * 86400
MOST_TRIES: Final = 100


@dataclass(frozen=True, slots=True)
class Form:
    """What a step takes: argument -> what it is; the first may be given without its name. `block`: it has a body."""

    takes: Mapping[str, str]
    first: str
    needs: tuple[str, ...] = ()
    block: bool = False


_WAIT: Final[Mapping[str, str]] = {"time": NUMBER, "unit": TEXT}
STEPS: Final[Mapping[str, Form]] = {
    "sh": Form({"script": TEXT, "label": TEXT}, "script", ("script",)),
    "echo": Form({"message": TEXT}, "message", ("message",)),
    "error": Form({"message": TEXT}, "message", ("message",)),
    "sleep": Form(_WAIT, "time", ("time",)),
    "input": Form({"message": TEXT, "ok": TEXT, "submitter": TEXT, "id": TEXT}, "message", ("message",)),
    "git": Form({"url": TEXT, "branch": TEXT, "credentialsId": TEXT, "changelog": BOOL, "poll": BOOL}, "url", ("url",)),
    "checkout": Form({"scm": MAP, "changelog": BOOL, "poll": BOOL}, "scm", ("scm",)),
    "archiveArtifacts": Form(
        {"artifacts": TEXT, "allowEmptyArchive": BOOL, "fingerprint": BOOL, "excludes": TEXT},
        "artifacts",
        ("artifacts",),
    ),
    "dir": Form({"path": TEXT}, "path", ("path",), block=True),
    "withEnv": Form({"overrides": LIST}, "overrides", ("overrides",), block=True),
    "withCredentials": Form({"bindings": LIST}, "bindings", ("bindings",), block=True),
    "timeout": Form(_WAIT, "time", ("time",), block=True),
    "retry": Form({"count": NUMBER}, "count", ("count",), block=True),
}
WHY: Final[Mapping[str, str]] = {
    "script": "script blocks are Groovy programs, which are not executed",
    "container": "there are no containers: steps run as processes, or in a pod a run",
    "node": "there is one kind of node: agent any",
    "parallel": "parallel stands in a stage, not among steps",
    "bat": "there is no Windows here",
    "powershell": "there is no Windows here",
}
"""What is said of some that are often written."""


@dataclass(frozen=True, slots=True)
class Lending:
    """What a credential is bound to in withCredentials: argument that names a variable -> part of the credential."""

    type: str
    parts: Mapping[str, str]
    needs: tuple[str, ...]
    files: frozenset[str] = field(default_factory=frozenset)
    """Which of the parts are given as a file."""


LENDINGS: Final[Mapping[str, Lending]] = {
    "string": Lending("secret-text", {"variable": "secret"}, ("variable",)),
    "usernamePassword": Lending(
        "basic-auth",
        {"usernameVariable": "username", "passwordVariable": "password"},
        ("usernameVariable", "passwordVariable"),
    ),
    "sshUserPrivateKey": Lending(
        "ssh-auth",
        {"keyFileVariable": "private_key", "usernameVariable": "username", "passphraseVariable": "passphrase"},
        ("keyFileVariable",),
        frozenset({"private_key"}),
    ),
    "kubeconfigContent": Lending("kubeconfig", {"variable": "content"}, ("variable",)),
    "kubeconfigFile": Lending("kubeconfig", {"variable": "content"}, ("variable",), frozenset({"content"})),
}


def block_of_steps(tokens: Tokens, of: str) -> tuple[Step, ...]:
    """The steps between braces."""
    with tokens.block(of):
        return tuple(_step(tokens, name) for name in tokens.entries())


def _step(tokens: Tokens, name: Token) -> Step:
    form = STEPS.get(name.text)
    if form is None:
        why = WHY.get(name.text)
        text = why or f"“{shown(name.text)}” is no step that is understood: accepted are {', '.join(sorted(STEPS))}"
        raise refused(name.at, text)
    identity = tokens.identify("steps", name.at)
    args = _named(name, form, _arguments(tokens, name))
    children = block_of_steps(tokens, name.text) if form.block else ()
    tokens.end_of_line(name.text)
    step = Step(identity, name.text, args, name.at, children)
    _judge(step)
    return step


def _arguments(tokens: Tokens, name: Token) -> Arguments:
    if tokens.at_name("scm") and name.text == "checkout":
        raise refused(name.at, "checkout scm needs a pipeline that was read from a repository: use git url: '…'")
    if tokens.at_sign("("):
        return parenthesized(tokens)
    if tokens.at_sign("{", "}") or tokens.next.kind in (Kind.LINE, Kind.END):
        return {}
    if tokens.at_sign("["):
        return {POSITIONAL: value(tokens)}
    return arguments(tokens)


def _named(name: Token, form: Form, given: Arguments) -> Arguments:
    """The arguments by name, each of the kind that the step takes."""
    if POSITIONAL in given:
        given = {form.first: given[POSITIONAL]}
    for key, found in given.items():
        if key not in form.takes:
            raise refused(name.at, f"{name.text} takes no “{shown(key)}”: accepted are {', '.join(form.takes)}")
        if not _is(form.takes[key], found):
            raise refused(name.at, f"{key} of {name.text} should be {form.takes[key]}")
    for key in form.needs:
        if key not in given:
            raise refused(name.at, f"{name.text} needs {key}")
    return given


def _is(kind: str, found: Value) -> bool:
    if kind == BOOL:
        return isinstance(found, bool)
    if kind == NUMBER:
        return isinstance(found, int) and not isinstance(found, bool)
    return isinstance(found, {TEXT: Template, LIST: tuple, MAP: Mapping}[kind])


def _judge(step: Step) -> None:
    """Raise `Invalid` where the arguments don't fit together."""
    if step.name in ("sleep", "timeout"):
        seconds(step.args, step.at, default="SECONDS" if step.name == "sleep" else "MINUTES")
    elif step.name == "retry":
        tries(step.args["count"], step.at)
    elif step.name == "withCredentials":
        for binding in listed(step.args["bindings"]):
            _judge_binding(binding, step.at)
    elif step.name == "withEnv":
        _judge_overrides(step)
    elif step.name == "checkout":
        source(step)


def _judge_overrides(step: Step) -> None:
    for one in listed(step.args["overrides"]):
        head = one.parts[0] if isinstance(one, Template) and one.parts else ""
        if not isinstance(head, str) or not head.partition("=")[0].isidentifier() or "=" not in head:
            raise refused(step.at, "withEnv takes a list of texts such as 'NAME=value'")


def _judge_binding(binding: Value, at: Place) -> None:
    if not isinstance(binding, Call):
        raise refused(at, "withCredentials takes a list such as [string(credentialsId: 'id', variable: 'NAME')]")
    lending = LENDINGS.get(binding.name)
    if lending is None:
        said = shown(binding.name)
        raise refused(binding.at, f"“{said}” binds no credential: accepted are {', '.join(LENDINGS)}")
    for key, found in binding.args.items():
        if key != "credentialsId" and key not in lending.parts:
            raise refused(binding.at, f"{binding.name} takes no “{shown(key)}”")
        plain = found.plain if isinstance(found, Template) else None
        if plain is None or (key in lending.parts and not (plain.isidentifier() and plain.isascii())):
            what = "the id of a credential" if key == "credentialsId" else "the name of a variable"
            raise refused(binding.at, f"{key} of {binding.name} should be {what}")
    for key in ("credentialsId", *lending.needs):
        if key not in binding.args:
            raise refused(binding.at, f"{binding.name} needs {key}")


def listed(found: Value) -> tuple[Value, ...]:
    """A list's members."""
    return found if isinstance(found, tuple) else ()


def seconds(args: Mapping[str, Value], at: Place, *, default: str) -> float:
    """`time` and `unit` in seconds."""
    unit = args.get("unit")
    named = (unit.plain if isinstance(unit, Template) else default) or ""
    if named.upper() not in UNITS:
        raise refused(at, f"“{shown(named)}” is no unit: accepted are {', '.join(UNITS)}")
    number = args.get("time")
    found = (number if isinstance(number, int) else 0) * UNITS[named.upper()]
    if found > LONGEST_WAIT:
        raise refused(at, "at most 30 days are accepted")
    return found


def tries(count: Value, at: Place) -> int:
    """How often something is tried in all."""
    if not isinstance(count, int) or not 1 <= count <= MOST_TRIES:
        raise refused(at, f"retry takes a number from 1 to {MOST_TRIES}")
    return count


@dataclass(frozen=True, slots=True)
class Source:
    """Where a checkout comes from."""

    url: Template
    branch: Template
    credential: Template


EMPTY: Final = Template(())


def source(step: Step) -> Source:
    """What `git` or `checkout` names. Raises `Invalid` for a checkout that isn't one of git."""
    if step.name == "git":
        found = {key: found for key, found in step.args.items() if isinstance(found, Template)}
        return Source(found["url"], found.get("branch", Template(("master",))), found.get("credentialsId", EMPTY))
    scm = step.args["scm"]
    whole = scm if isinstance(scm, Mapping) else {}
    kind = whole.get("$class")
    remotes, branches = listed(whole.get("userRemoteConfigs", ())), listed(whole.get("branches", ()))
    if not isinstance(kind, Template) or kind.plain != "GitSCM" or len(remotes) != 1 or len(branches) > 1:
        raise refused(
            step.at, "checkout takes [$class: 'GitSCM', branches: [[name: '…']], userRemoteConfigs: [[url: '…']]]"
        )
    remote, branch = _texts(remotes[0]), _texts(branches[0]) if branches else {}
    if "url" not in remote or not set(remote) <= {"url", "credentialsId"}:
        raise refused(step.at, "userRemoteConfigs of checkout takes one [url: '…', credentialsId: '…']")
    return Source(remote["url"], branch.get("name", Template(("master",))), remote.get("credentialsId", EMPTY))


def _texts(found: Value) -> dict[str, Template]:
    entries = found if isinstance(found, Mapping) else {}
    return {key: text for key, text in entries.items() if isinstance(text, Template)}
