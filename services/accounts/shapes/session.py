"""Answers of the OAuth server, and lines of the index that the gateway reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.accounts.domain.user import User
from services.accounts.shapes.metadata import JsonObject


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
