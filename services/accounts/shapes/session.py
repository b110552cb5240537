"""Answers of the OAuth server, and lines of the index that the gateway reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from services.accounts.domain.user import User
from services.accounts.shapes.metadata import JsonObject


class TokenForm(BaseModel):
    """The form of RFC 6749, sections 4.3.2 and 6. `username` may be an e-mail address."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "grant_type": "password",
                    "client_id": "kubesphere",
                    "client_secret": "kubesphere",
                    "username": "bob",
                    "password": "S0me-Passw0rd",
                }
            ]
        }
    )

    grant_type: Literal["password", "refresh_token"]
    client_id: str
    client_secret: str
    username: str = ""
    password: str = ""
    refresh_token: str = ""


class TokensShape(BaseModel):
    """The token answer; `expires_in` in seconds."""

    access_token: str
    token_type: Literal["Bearer"]
    refresh_token: str
    expires_in: int


class ClaimsShape(BaseModel):
    """Claims about the signed-in user."""

    sub: str
    name: str
    preferred_username: str
    email: str | None = None
    locale: str | None = None


class KeysShape(BaseModel):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, Any]]


class DiscoveryShape(BaseModel):
    """OpenID Connect Discovery 1.0, section 3."""

    issuer: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    end_session_endpoint: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    subject_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    claims_supported: list[str]


def tokens(access: str, refresh: str, seconds: int) -> JsonObject:
    """The token answer of RFC 6749, section 5.1; `expires_in` in seconds."""
    return {"access_token": access, "token_type": "Bearer", "refresh_token": refresh, "expires_in": seconds}


def userinfo(user: User) -> JsonObject:
    """Claims about the signed-in user (OpenID Connect Core, 5.3); empty ones are left out."""
    claims = {
        "sub": user.name,
        "name": user.name,
        "email": user.email,
        "locale": user.lang,
        "preferred_username": user.name,
    }
    return {key: value for key, value in claims.items() if value}


def discovery(issuer: str) -> Mapping[str, Any]:
    """OpenID Connect discovery: only what is really offered (KubeSphere's promises more than it does)."""
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/keys",
        "end_session_endpoint": f"{issuer}/logout",
        "grant_types_supported": ["password", "refresh_token"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "claims_supported": ["iss", "sub", "iat", "exp", "email", "locale", "preferred_username"],
    }
