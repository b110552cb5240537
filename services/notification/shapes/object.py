"""Wire JSON of receivers, configs, routers, silences, secrets and texts: what a client sent, and what he sees again."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from libs.shared.errors import Flaw, Malformed
from libs.shared.objects import meta
from libs.shared.objects.reading import Reading
from libs.shared.objects.shapes import ObjectShape
from libs.shared.sealing import Sealer
from libs.shared.values import Secret
from services.notification.domain.credential import VALUE, masked, sealed
from services.notification.domain.noun import GROUP, NAMESPACE
from services.notification.domain.object import Kept, NoteSecret, NoteText, Wish
from services.notification.domain.span import printed
from services.notification.domain.vetting import flaws_of, narrowed
from services.notification.queries.secret import belongs

JsonObject = dict[str, Any]
VERSION = "v2beta2"
MOST_KEYS = 500


class SettingShape(ObjectShape):
    """A config, receiver, router, silence or notification manager; `spec` is told channel by channel."""

    spec: dict[str, Any] | None = None
    status: dict[str, Any] | None = None


def shown(kept: Kept) -> JsonObject:
    """The object without its kind, as `/kapis` shows it; credentials are empty."""
    about = meta.metadata(
        kept.name,
        namespace=NAMESPACE if kept.NOUN.core else "",
        uid=kept.uid,
        revision=kept.stamp.revision,
        generation=0 if kept.NOUN.core else kept.generation,
        created=kept.created_at,
        labels=kept.labels,
        annotations=kept.annotations,
    )
    if not kept.NOUN.core:
        return {"metadata": about, "spec": masked(kept.spec), "status": {}}
    data = {
        key: value.get(VALUE, "") if isinstance(value, Mapping) else value
        for key, value in masked(kept.part("data")).items()
    }
    return {"metadata": about, "data": data} | ({"type": kept.spec["type"]} if kept.spec.get("type") else {})


def typed(kept: Kept) -> JsonObject:
    """The object with its kind and version, as `/apis` shows it."""
    return {"kind": kept.NOUN.kind, "apiVersion": f"{GROUP}/{VERSION}", **shown(kept)}


def wish(body: Any, kind: type[Kept], owner: str | None, before: Kept | None, sealer: Sealer) -> Wish:
    """The object that a client wants, vetted and sealed. `owner` forces the labels that say whose it is; None leaves
    them as they are. Raises `Malformed` for a field of the wrong type, `Invalid` for what isn't accepted.
    """
    whole = Reading.of(body)
    about = whole.inside("metadata")
    name, labels = about.text("name"), about.mapping("labels")
    if owner is not None:
        forced = kind.NOUN.labels_of(owner)
        labels = {key: value for key, value in labels.items() if key not in ("type", "user")} | forced
    annotations = about.mapping("annotations")
    spec = _said(whole, kind)
    flaws = (*_name_flaws(name), *meta.check({"name": name, "labels": labels, "annotations": annotations}))
    if flaws or (flaws := flaws_of(kind, spec)):
        raise kind.NOUN.invalid(name, *flaws)
    stood = before.spec if before is not None else {}

    def seal(place: str, text: str) -> str:
        return sealer.seal(Secret(text), belongs(kind.NOUN.plural, name, place))

    return Wish(name, labels, annotations, sealed(spec, seal, stood, always=kind.NOUN.core))


def _name_flaws(name: str) -> tuple[Flaw, ...]:
    return () if name else (Flaw("metadata.name", "Required value: name or generateName is required"),)


def _said(whole: Reading, kind: type[Kept]) -> JsonObject:
    """The spec; of a secret or a text its data."""
    if kind is NoteSecret:
        data = whole.mapping("data") | {k: _encoded(v) for k, v in whole.mapping("stringData").items()}
        _check_data(data)
        return {"data": {key: {VALUE: value} for key, value in data.items()}, "type": whole.text("type") or "Opaque"}
    if kind is NoteText:
        texts = whole.mapping("data")
        _bound(texts)
        return {"data": texts}
    spec = narrowed(kind.NOUN.plural, whole.inside("spec").value)
    if isinstance(spec.get("duration"), str):
        spec["duration"] = printed(spec["duration"])
    receivers = spec.get("receivers")
    if isinstance(receivers, Mapping):
        spec["receivers"] = {key: value for key, value in receivers.items() if value not in ("", None)}
    email = spec.get("email")
    if kind.NOUN.plural == "configs" and isinstance(email, Mapping) and "smartHost" not in email:
        spec["email"] = {**email, "smartHost": {"host": "", "port": 0}}
    return spec


def _check_data(data: Mapping[str, str]) -> None:
    _bound(data)
    for key, value in data.items():
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            raise Malformed("secret-base64", f"data.{key[:80]} is no base64") from None


def _bound(data: Mapping[str, str]) -> None:
    if len(data) > MOST_KEYS:
        raise Malformed("data-keys", f"at most {MOST_KEYS} keys are accepted")


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def narrowed_to(thing: JsonObject, channel: str) -> JsonObject | None:
    """The object with one channel alone; None where it has nothing of it."""
    spec = thing.get("spec") or {}
    return {**thing, "spec": {channel: spec[channel]}} if channel in spec else None


def older(thing: Any) -> Any:
    """As v2beta1 has credentials: the bare selector of a key."""
    if isinstance(thing, list):
        return [older(one) for one in thing]
    if not isinstance(thing, Mapping):
        return thing
    reference = thing.get("valueFrom")
    if isinstance(reference, Mapping) and isinstance(reference.get("secretKeyRef"), Mapping):
        return dict(reference["secretKeyRef"])
    return {key: older(one) for key, one in thing.items()}
