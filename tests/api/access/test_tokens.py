"""Tokens of an identity provider that really serves its keys: a whole one gets in, any other does not."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from schema.scopes import Scope
from tests.api.access.conftest import Guard, Guarded
from urbanclear.settings import Settings

pytestmark = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)

ISSUER, AUDIENCE = "https://login.example/city", "urbanclear"
KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(public_exponent=65_537, key_size=2_048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
_AS_JWK = {"RS256": RSAAlgorithm.to_jwk, "ES256": ECAlgorithm.to_jwk, "EdDSA": OKPAlgorithm.to_jwk}
OTHER = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@dataclass
class Provider:
    """Answers with the keys, as long as it is up."""

    url: str = ""
    asked: int = 0
    up: bool = True
    keys: list[dict[str, Any]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        if self.up:
            body = json.dumps({"keys": self.keys}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    for name, key in KEYS.items():
        jwk: dict[str, Any] = _AS_JWK[name](key.public_key(), as_dict=True)  # type: ignore[operator]
        provider.keys.append({**jwk, "kid": name, "use": "sig"})
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks"
    async with server:
        yield provider


@pytest.fixture
async def guarded(guarding: Guard, provider: Provider) -> AsyncIterator[Guarded]:
    settings = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks_url": provider.url}
    async with guarding(**settings) as found:
        yield found


def token(algorithm: str = "RS256", key: Any = None, kid: str | None = None, **changed: Any) -> str:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alex", "exp": time.time() + 60, "scope": "openid report"}
    claims = {name: value for name, value in {**claims, **changed}.items() if value is not None}
    return jwt.encode(claims, key or KEYS[algorithm], algorithm, headers={"kid": kid or algorithm})


def unsigned(**changed: Any) -> str:
    head, body, _ = token(**changed).split(".")
    return f"{_b64(json.dumps({'alg': 'none', 'kid': 'RS256'}).encode())}.{body}.{head[:0]}"


def signed_with_the_public_key() -> str:
    """HS256 with the RSA public key as its secret: what lets in whoever asks where any algorithm is taken."""
    public = KEYS["RS256"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _, body, _ = token().split(".")
    head = _b64(json.dumps({"alg": "HS256", "kid": "RS256"}).encode())
    return f"{head}.{body}.{_b64(hmac.digest(public, f'{head}.{body}'.encode(), 'sha256'))}"


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def test_a_whole_token_may_do_what_its_scopes_say(guarded: Guarded) -> None:
    for algorithm in KEYS:
        assert await guarded.status("/api/v1/sensors", token(algorithm)) == 200
    assert await guarded.status("/api/v1/sensors", token(exp=10**30)) == 200
    assert await guarded.status("/api/v1/readings", token(), "POST") == 415
    assert await guarded.status("/api/v1/keys", token()) == 403
    assert await guarded.status("/api/v1/keys", token(scope=["admin"])) == 200
    assert await guarded.status("/api/v1/sensors", token(scope="openid")) == 403
    assert await guarded.status("/api/v1/sensors", guarded.keys[Scope.READ]) == 200


REFUSED: dict[str, Callable[[], str]] = {
    "another audience": lambda: token(aud="other"),
    "no audience": lambda: token(aud=None),
    "another issuer": lambda: token(iss="https://evil.example"),
    "no issuer": lambda: token(iss=None),
    "expired": lambda: token(exp=time.time() - 60),
    "no end": lambda: token(exp=None),
    "not yet": lambda: token(nbf=time.time() + 3_600),
    "nobody's": lambda: token(sub=None),
    "of no name": lambda: token(sub="a\x00b"),
    "of too long a name": lambda: token(sub="a" * 256),
    "another's signature": lambda: token(key=OTHER),
    "an unknown key": lambda: token(key=OTHER, kid="other"),
    "no algorithm": unsigned,
    "a symmetric algorithm": signed_with_the_public_key,
    "another key's algorithm": lambda: token("ES256", kid="RS256"),
    "cut off": lambda: token()[:-20],
    "no claims": lambda: f"{token().split('.')[0]}..",
}


async def test_a_token_with_anything_wrong_is_refused(guarded: Guarded, provider: Provider) -> None:
    for what, wrong in REFUSED.items():
        answer = await guarded.client.get("/api/v1/sensors", headers={"Authorization": f"Bearer {wrong()}"})
        assert (answer.status_code, answer.headers["www-authenticate"][:12]) == (401, "Bearer error"), what
    assert provider.asked <= 2


async def test_scopes_may_be_in_a_claim_within_another(guarding: Guard, provider: Provider) -> None:
    settings = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks_url": provider.url}
    async with guarding(**settings, oidc_scopes_claim="realm_access.roles") as guarded:
        assert await guarded.status("/api/v1/keys", token(realm_access={"roles": ["admin", "offline"]})) == 200
        assert await guarded.status("/api/v1/sensors", token(realm_access="admin")) == 403


async def test_with_the_provider_away_tokens_are_told_to_wait_and_keys_go_on(
    guarded: Guarded, provider: Provider
) -> None:
    provider.up = False
    for _ in range(5):
        answer = await guarded.client.get("/api/v1/sensors", headers={"Authorization": f"Bearer {token()}"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "identity provider does not answer" in answer.json()["detail"]
    assert provider.asked == 1  # not with every request
    assert await guarded.status("/api/v1/sensors", guarded.keys[Scope.READ]) == 200


def test_a_provider_that_is_half_set_is_refused(server_url: str) -> None:
    with pytest.raises(ValueError, match="or none of them"):
        Settings.model_validate({"oidc_issuer": ISSUER, "oidc_jwks_url": "https://login.example/jwks"})
