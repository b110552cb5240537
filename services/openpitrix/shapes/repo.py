"""Repositories on the wire (devops-apps-mesh 11.2), without the password that the original shows to everyone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from libs.shared.errors import Malformed
from services.openpitrix.domain.access import Login
from services.openpitrix.domain.repo import Repo, RepoWish, Sync
from services.openpitrix.shapes.moments import filled, moment

MASK = "******"


class Wire(BaseModel):
    """OpenPitrix' JSON: names as they stand, a text is no number, unknown fields are the caller's business."""

    model_config = ConfigDict(strict=True, frozen=True)


class RepoShape(Wire):
    """A repository as it is added or changed."""

    name: str | None = None
    url: str | None = None
    credential: str | None = None
    description: str | None = None
    sync_period: str | None = None
    type: str | None = None
    visibility: str | None = None
    providers: list[str] | None = None


class RepoIdShape(Wire):
    """Its id."""

    repo_id: str


class RepoAnswerShape(Wire):
    """A repository as it is shown."""

    repo_id: str
    name: str
    url: str
    status: str
    create_time: str
    status_time: str
    creator: str
    credential: str
    description: str = ""
    sync_period: str = ""
    category_set: None = None
    labels: None = None
    selectors: None = None
    providers: None = None


def wish(body: Mapping[str, Any]) -> RepoWish:
    """Out of a body; raises `Malformed` naming the field that is wrong."""
    read = checked(RepoShape, body)
    return RepoWish(read.name, read.url, read.description, read.sync_period)


def checked(shape: type[Any], body: Mapping[str, Any]) -> Any:
    """The body as this shape; raises `Malformed` naming the fields that are wrong."""
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        flaws = error.errors(include_input=False, include_url=False, include_context=False)
        said = "; ".join(f"{'.'.join(map(str, flaw['loc'])) or 'body'}: {flaw['msg']}" for flaw in flaws[:5])
        raise Malformed("fields", said) from None


def shown(repo: Repo, login: Login | None) -> dict[str, Any]:
    """On the wire."""
    credential = {"username": login.user, "password": MASK} if login else {}
    return filled(
        {
            "repo_id": repo.id,
            "name": repo.name,
            "url": repo.url,
            "status": repo.state.value,
            "create_time": moment(repo.created_at),
            "status_time": moment(repo.synced_at or repo.created_at),
            "creator": repo.creator,
            "credential": orjson.dumps(credential).decode(),
            "sync_period": repo.period,
            "description": repo.description,
        }
    ) | {"category_set": None, "labels": None, "selectors": None, "providers": None}


def event(repo: Repo, sync: Sync) -> dict[str, Any]:
    """One reading of the index."""
    at = moment(sync.at)
    told = {
        "repo_id": repo.id,
        "status": sync.state.value,
        "result": sync.message,
        "create_time": at,
        "status_time": at,
    }
    return filled(told)
