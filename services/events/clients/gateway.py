"""The gateway, asked for what was too large to be signed into the caller's identity."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from libs.shared.errors import Broken, Busy
from libs.shared.http.client import Upstreams
from libs.shared.http.identity import HEADER

REVIEWS = "/internal/gateway/v1/reviews"
SECONDS = 5.0


class Reviewed(BaseModel):
    """The gateway's answers, in the order of the questions."""

    mine: tuple[frozenset[str]]


class Gateway:
    """Answers on a caller's behalf: his signed identity is passed back to whoever signed it."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams

    async def workspaces(self, signed: str) -> frozenset[str]:
        """The workspaces that the caller is bound in; raises `Busy` when the gateway doesn't say."""
        asked = {"mine": [{"of": "workspaces"}]}
        async with self._upstreams.request(
            "gateway", "POST", REVIEWS, seconds=SECONDS, json=asked, headers={HEADER: signed}
        ) as answer:
            raw = await answer.read()
            if answer.status != 200:  # noqa: PLR2004  # HTTP's OK
                text = f"the gateway answered {answer.status} when asked for the caller's workspaces"
                raise Busy("workspaces-unknown", text, retry_after=1)
        try:
            return Reviewed.model_validate_json(raw).mine[0]
        except ValidationError as error:
            raise Broken("workspaces-nonsense", "the gateway's answer about workspaces can't be read") from error
