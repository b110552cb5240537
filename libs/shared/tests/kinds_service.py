"""A small service of its own to try kinds on: vaults with a write-only code, and namespaced slots."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from aiohttp import ClientRequest, ClientResponse, ClientSession, web
from aiohttp.client_middlewares import ClientHandlerType, ClientMiddlewareType
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, Field

from libs.shared.errors import Denied, Flaw, Invalid
from libs.shared.failpoints import Failpoints
from libs.shared.http.identity import GATEWAY, HEADER, Identity, Signed, Signer, Verifier
from libs.shared.http.server import application
from libs.shared.kinds.kind import Ask, JsonObject, Kind
from libs.shared.kinds.serve import routes
from libs.shared.objects import meta
from libs.shared.store.protocol import Document, Store, Unit
from libs.shared.store.sqlite.store import open_store
from libs.shared.telemetry.make import silent
from libs.shared.testing.clock import START, VirtualClock

API = "/apis/bank.example.io/v1beta1"
VAULTS = f"{API}/vaults"


class Vault(Document):
    """Something with a name, free labels and a code that nobody may read."""

    WATCHED: ClassVar[bool] = True
    name: str
    uid: str
    created: str
    generation: int = 1
    colour: str = ""
    digest: str = ""
    labels: tuple[str, ...] = ()
    annotations: dict[str, str] = Field(default_factory=dict)
    set_by: str = ""
    sealed: bool = False


class Slot(Document):
    """Something in a namespace; changes of it are not kept for watchers."""

    KEY: ClassVar[str] = "place"
    place: str
    size: int = 0


class VaultSpec(BaseModel):
    """The wire form of a vault's spec."""

    colour: str = ""
    code: str = ""


class VaultObject(BaseModel):
    """The wire form of a vault."""

    spec: VaultSpec
    status: dict[str, Any]


def show(vault: Vault) -> JsonObject:
    """The wire form, without the code."""
    spec = {"colour": vault.colour} if vault.colour else {}
    return {
        "metadata": {
            "name": vault.name,
            "uid": vault.uid,
            "creationTimestamp": vault.created,
            "generation": vault.generation,
            "labels": meta.labels_of(vault.labels),
            "annotations": vault.annotations,
        },
        "spec": spec,
        "status": {"setBy": vault.set_by, "sealed": vault.sealed},
    }


async def hash_code(wish: JsonObject, parts: Any) -> str:
    """What takes time, outside of the unit."""
    parts.prepared.append(wish["metadata"]["name"])
    return hashlib.sha256(str(wish.get("spec", {}).get("code", "")).encode()).hexdigest()


def decided(vault: Vault, wish: JsonObject, ask: Ask) -> Vault:
    """The vault as the object says, by the one rule that vaults have."""
    if wish.get("spec", {}).get("colour") == "ugly":
        raise Invalid("vault-ugly", "spec.colour: ugly is no colour", flaws=(Flaw("spec.colour", "is no colour"),))
    changes: dict[str, Any] = {
        "colour": wish.get("spec", {}).get("colour", ""),
        "labels": meta.pairs_of(wish["metadata"].get("labels") or {}),
        "annotations": wish["metadata"].get("annotations") or {},
        "set_by": ask.user,
        "generation": vault.generation + 1,
    }
    if "/spec/code" in ask.written:
        changes["digest"] = ask.prepared
    return vault.model_copy(update=changes)


async def make_vault(unit: Unit, wish: JsonObject, ask: Ask) -> Vault:
    """The command behind create."""
    name = wish["metadata"]["name"]
    fresh = Vault(name=name, uid=f"uid-{name}", created=meta.instant(ask.at), generation=0)
    return await unit.of(Vault).add(decided(fresh, wish, ask))


async def change_vault(unit: Unit, vault: Vault, wish: JsonObject, ask: Ask) -> Vault:
    """The command behind update and patch."""
    return await unit.of(Vault).put(decided(vault, wish, ask))


async def drop_vault(unit: Unit, vault: Vault, ask: Ask) -> None:
    """The command behind delete: an orphaning one seals instead."""
    if vault.name == "main":
        raise Denied("vault-main", "the main vault stays", resource="vaults", name="main")
    if ask.options.get("propagationPolicy") == "Orphan":
        await unit.of(Vault).put(vault.model_copy(update={"sealed": True}))
    else:
        await unit.of(Vault).drop(vault.name)


async def make_slot(unit: Unit, wish: JsonObject, ask: Ask) -> Slot:
    """The command behind creating a slot."""
    place = f"{wish['metadata']['namespace']}/{wish['metadata']['name']}"
    return await unit.of(Slot).add(Slot(place=place, size=wish.get("spec", {}).get("size", 0)))


def show_slot(slot: Slot) -> JsonObject:
    """The wire form of a slot."""
    namespace, _, name = slot.place.partition("/")
    return {"metadata": {"namespace": namespace, "name": name}, "spec": {"size": slot.size}}


KINDS: tuple[Kind[Any], ...] = (
    Kind(
        group="bank.example.io",
        version="v1beta1",
        kind="Vault",
        plural="vaults",
        singular="vault",
        document=Vault,
        show=show,
        create=make_vault,
        update=change_vault,
        remove=drop_vault,
        prepare=hash_code,
        write_only=("/spec/code",),
        short_names=("vt",),
        categories=("all",),
        fields=("spec.colour", "status.sealed"),
        model=VaultObject,
    ),
    Kind(
        group="bank.example.io",
        version="v1beta1",
        kind="Slot",
        plural="slots",
        singular="slot",
        document=Slot,
        show=show_slot,
        create=make_slot,
        namespaced=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the handlers are handed."""

    store: Store
    clock: VirtualClock
    prepared: list[str]


@dataclass(frozen=True, slots=True)
class Bank:
    """The running service, and a client of it."""

    session: ClientSession
    url: str
    parts: Parts
    signer: Signer
    runner: web.AppRunner

    @property
    def connections(self) -> int:
        """How many connections stand."""
        return len(self.runner.server.connections) if self.runner.server else 0

    def header(self, method: str, target: str) -> str:
        """The identity header of one raw request."""
        return self.signer.sign(Signed("bank", method, target), Identity(user="ann", groups=(), issued=START))

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and JSON of one request."""
        sent = dict(headers or {})
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            raw = json.dumps(body).encode()
        async with self.session.request(
            method, self.url + path, data=io.BytesIO(raw) if raw else None, headers=sent
        ) as response:
            return response.status, await response.json(content_type=None)

    async def patch(self, path: str, body: Any, media: str = "merge") -> tuple[int, Any]:
        """A merge patch, or one of another type."""
        sent = {"Content-Type": f"application/{media}-patch+json"}
        return await self.ask("PATCH", path, raw=json.dumps(body).encode(), headers=sent)

    async def make(self, name: str, **spec: Any) -> JsonObject:
        """A vault, made through the API."""
        labels = spec.pop("labels", {})
        body = {"metadata": {"name": name, "labels": labels}, "spec": spec}
        status, made = await self.ask("POST", VAULTS, body)
        assert status == 201, made
        return dict(made)

    async def digest(self, name: str) -> str:
        """What is kept of a vault's code."""
        return (await self.parts.store.of(Vault).get(name)).digest


@asynccontextmanager
async def bank(folder: Path, *, changes: int = 1000) -> AsyncIterator[Bank]:
    """The service over a real SQLite file and a real socket."""
    clock = VirtualClock()
    numbers = itertools.count(1)
    store = await open_store(
        folder / "bank.db",
        [Vault, Slot],
        clock=clock,
        ids=lambda: f"id-{next(numbers)}",
        source="bank",
        failpoints=Failpoints(),
        changes=changes,
    )
    parts = Parts(store, clock, [])
    key = Ed25519PrivateKey.generate()
    app = application(
        routes(KINDS),
        parts,
        verifier=Verifier(key.public_key(), "bank", clock),
        telemetry=silent("bank"),
        clock=clock,
        checks={},
        groups={"vaults": "bank.example.io", "slots": "bank.example.io"},
    )
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        signer = Signer(key, clock, lambda: f"nonce-{next(numbers)}")
        async with ClientSession(middlewares=(_signing(signer),)) as session:
            yield Bank(session, f"http://{host}:{port}", parts, signer, runner)
    finally:
        await store.close()
        await runner.cleanup()


def _signing(signer: Signer) -> ClientMiddlewareType:
    """Signs each request of a client as the gateway does, for ann; for the gateway itself where it is internal."""

    async def sign(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        user = GATEWAY if request.url.path.startswith("/internal/") else "ann"
        signed = Signed("bank", request.method, request.url.raw_path_qs)
        who = Identity(user=user, groups=(), issued=START)
        request.headers[HEADER] = signer.sign(signed, who)
        return await handler(request)

    return sign
