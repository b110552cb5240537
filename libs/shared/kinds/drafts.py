"""The object as it is to be: what a client sent, checked, with what only the server may say put right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from libs.shared.errors import Conflict, Flaw, Invalid, Malformed, Stale
from libs.shared.kinds.kind import JsonObject, Kind
from libs.shared.kinds.place import Place
from libs.shared.objects import meta, names, pointers

_SERVERS = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")
_FORGOTTEN = ("selfLink", "managedFields")
_IMMUTABLE = ("uid", "creationTimestamp")


def creation(kind: Kind[Any], at: Place, body: JsonObject, noise: bytes) -> JsonObject:
    """The object to be made: typed, named (a generated name ends in letters out of `noise`), in its namespace.

    Raises `Malformed` (400) for another kind, version or namespace, `Invalid` (422) for a wrong name or metadata.
    """
    wish, metadata = _typed(kind, body), _metadata(body)
    if metadata.get("resourceVersion") not in (None, ""):
        raise Malformed("version-on-create", "resourceVersion should not be set on objects to be created")
    for field in (*_SERVERS, *_FORGOTTEN, "resourceVersion"):
        metadata.pop(field, None)
    _place(metadata, at)
    flaws = list(meta.check(metadata))
    if not flaws and not metadata.get("name"):
        flaws = _generate(metadata, noise)
    _refuse(kind, str(metadata.get("name") or ""), flaws)
    wish["metadata"] = metadata
    return wish


def revision(kind: Kind[Any], at: Place, current: JsonObject, wish: JsonObject, *, patched: bool) -> JsonObject:
    """The object after an update of `current`: a whole one that was PUT, or what a patch made.

    Raises `Malformed` for another kind, version, name or namespace; `Invalid` for metadata that is wrong or immutable,
    and for a PUT without a resourceVersion; `Stale` when the resourceVersion named isn't the present one.
    """
    wish, metadata = _typed(kind, wish), _metadata(wish)
    if (name := metadata.setdefault("name", at.name)) != at.name:
        text = f"the name of the object ({_short(name)}) does not match the name on the URL ({at.name})"
        raise Malformed("name-mismatch", text)
    _place(metadata, at)
    standing: JsonObject = current["metadata"]
    _check_version(kind, at.name, metadata, standing, patched=patched)
    if not patched and (uid := metadata.get("uid")) and uid != standing.get("uid"):
        raise precondition(kind, at.name, "UID", _short(uid), str(standing.get("uid", "")))
    flaws = [
        Flaw(f"metadata.{field}", "field is immutable", metadata[field])
        for field in _IMMUTABLE
        if metadata.get(field) and metadata[field] != standing.get(field)
    ]
    _refuse(kind, at.name, (*flaws, *meta.check(metadata)))
    for field in (*_SERVERS, *_FORGOTTEN, "resourceVersion"):
        metadata.pop(field, None)
        if field in standing:
            metadata[field] = standing[field]
    wish["metadata"] = metadata
    return wish


def written(kind: Kind[Any], wish: JsonObject) -> frozenset[str]:
    """The write-only pointers that this object carries; null counts as nothing and is taken out, in place."""
    found = set()
    for pointer in kind.write_only:
        path = pointers.steps(pointer)
        if not pointers.has(wish, path):
            continue
        if pointers.look(wish, path) is None:
            pointers.lift(wish, path)
        else:
            found.add(pointer)
    return frozenset(found)


def precondition(kind: Kind[Any], name: str, what: str, wanted: str, standing: str) -> Conflict:
    """A precondition that doesn't hold, in Kubernetes' words."""
    return Conflict(
        "precondition-failed",
        f'Operation cannot be fulfilled on {kind.plural}.{kind.group} "{name}": Precondition failed: {what} in'
        f" precondition: {wanted}, {what} in object meta: {standing}",
        resource=kind.plural,
        name=name,
    )


def invalid(kind: Kind[Any], name: str, flaws: Iterable[Flaw], *, what: str = "") -> Invalid:
    """The refusal of an object, flaw by flaw, in Kubernetes' words. `what` is the kind unless given."""
    every = tuple(_worded(flaw) for flaw in flaws)
    said = [f"{flaw.field}: {flaw.text}" for flaw in every]
    text = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    return Invalid(
        "object-invalid",
        f'{what or kind.kind}.{kind.group} "{name}" is invalid: {text}',
        resource=kind.plural,
        flaws=every,
    )


def _worded(flaw: Flaw) -> Flaw:
    """The flaw with its value in its text, where it says one."""
    if flaw.value is None:
        return flaw
    value = f'"{flaw.value}"' if isinstance(flaw.value, str) else flaw.value
    return Flaw(flaw.field, f"Invalid value: {value}: {flaw.text}")


def _typed(kind: Kind[Any], body: JsonObject) -> JsonObject:
    for field, wanted in (("apiVersion", kind.api_version), ("kind", kind.kind)):
        given = body.get(field) or wanted
        if given != wanted:
            what = "API version" if field == "apiVersion" else "kind"
            raise Malformed(
                "type-mismatch",
                f"the {what} in the data ({_short(given)}) does not match the expected {what} ({wanted})",
            )
    return {**body, "apiVersion": kind.api_version, "kind": kind.kind}


def _metadata(body: JsonObject) -> JsonObject:
    metadata = body.get("metadata")
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise Malformed("metadata-unreadable", "metadata is an object")
    return dict(metadata)


def _place(metadata: JsonObject, at: Place) -> None:
    given = metadata.get("namespace")
    if given and given != at.namespace:
        raise Malformed(
            "namespace-mismatch",
            "the namespace of the provided object does not match the namespace sent on the request",
        )
    metadata.pop("namespace", None)
    if at.namespace:
        metadata["namespace"] = at.namespace


def _generate(metadata: JsonObject, noise: bytes) -> list[Flaw]:
    prefix = metadata.get("generateName")
    if not prefix:
        return [Flaw("metadata.name", "Required value: name or generateName is required")]
    metadata["name"] = meta.generated_name(prefix, noise)
    return [Flaw("metadata.generateName", reason, prefix) for reason in names.subdomain(metadata["name"])]


def _check_version(kind: Kind[Any], name: str, metadata: JsonObject, standing: JsonObject, *, patched: bool) -> None:
    given = metadata.get("resourceVersion")
    if given in (None, "", "0"):
        if not patched:
            flaw = Flaw("metadata.resourceVersion", "must be specified for an update", 0)
            raise invalid(kind, name, (flaw,), what=kind.plural)
        return
    if not isinstance(given, str) or not given.isascii() or not given.isdigit():
        raise invalid(kind, name, (Flaw("metadata.resourceVersion", "must be a version that was read", _short(given)),))
    if given != standing.get("resourceVersion"):
        raise stale(kind, name)


def stale(kind: Kind[Any], name: str) -> Stale:
    """Another write came first."""
    return Stale(
        "object-modified",
        f'Operation cannot be fulfilled on {kind.plural}.{kind.group} "{name}": the object has been modified; please'
        " apply your changes to the latest version and try again",
        resource=kind.plural,
        name=name,
    )


def _refuse(kind: Kind[Any], name: str, flaws: Iterable[Flaw]) -> None:
    if every := tuple(flaws):
        raise invalid(kind, name, every)


def _short(value: Any) -> str:
    return str(value)[:100]
