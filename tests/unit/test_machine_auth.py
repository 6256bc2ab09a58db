"""The Auth objects of machines: read-only, copied as they are, and pickled without their token."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from clerk_middleware import APIKeyAuth, ClerkError, M2MAuth, OAuthAuth

from .backend import CannedBackend
from .machines import OPAQUE, Clock, accepting, asking, verified

CLAIMS = {"team": "night", "depots": ["a", {"b": 1}]}
AUTHS: list[Any] = [
    APIKeyAuth(id="ak_1", subject="user_2b", scopes=["x"], claims=CLAIMS, token="ak_1secret", name="my key"),
    M2MAuth(id="mt_1", subject="mch_5", scopes=["mch_9"], claims=CLAIMS, token="mt_1secret"),
    OAuthAuth(id="oat_1", subject="user_2b", scopes=["x"], claims=CLAIMS, token="oat_1secret", client_id="c"),
]
OWN = ["id", "subject", "scopes", "claims", "user_id", "org_id", "name", "client_id", "machine_id"]

EACH = pytest.mark.parametrize("auth", AUTHS, ids=repr)


def told(auth: Any) -> dict[str, Any]:
    return {name: getattr(auth, name) for name in OWN if hasattr(auth, name)}


@EACH
def test_claims_can_not_be_changed(auth: Any) -> None:
    assert auth.claims == CLAIMS
    with pytest.raises(TypeError, match="read-only"):
        auth.claims["team"] = "day"
    with pytest.raises(TypeError, match="read-only"):
        auth.claims["depots"].append("c")
    with pytest.raises(TypeError, match="read-only"):
        auth.claims["depots"][1]["b"] = 2
    assert auth.claims == CLAIMS


def test_what_one_request_does_to_them_no_other_reads(backend: CannedBackend) -> None:
    token, route, _ = OPAQUE["api_key"]
    backend.on(route, verified("api_key", claims=CLAIMS))
    ask = asking("sync", accepting(), backend, Clock())
    first: Any = ask(token).to_auth()
    dict(first.claims)["team"] = "day"
    with pytest.raises(TypeError):
        first.claims.clear()
    second: Any = ask(token).to_auth()
    assert second.claims == CLAIMS
    assert len(backend.requests) == 1


@EACH
def test_a_copy_is_the_object_itself(auth: Any) -> None:
    assert copy.copy(auth) is auth
    assert copy.deepcopy(auth) is auth
    assert copy.deepcopy({"auth": auth})["auth"] is auth


@EACH
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_leaves_the_token_out(auth: Any, protocol: int) -> None:
    pickled = pickle.dumps(auth, protocol)
    assert b"1secret" not in pickled
    other = pickle.loads(pickled)  # noqa: S301  # it is our own
    assert type(other) is type(auth)
    assert told(other) == told(auth)
    assert other.is_authenticated
    with pytest.raises(ClerkError, match="does not hold its token: it is left out where one is pickled"):
        other.get_token()
    assert auth.get_token().endswith("1secret")


@EACH
def test_it_has_no_templates(auth: Any) -> None:
    with pytest.raises(ClerkError, match="no JWT templates"):
        auth.get_token("hasura")


@pytest.mark.parametrize("kind", [APIKeyAuth, M2MAuth, OAuthAuth])
def test_little_is_needed_to_make_one(kind: Any) -> None:
    auth = kind(id="1", subject="user_2b")
    assert (auth.scopes, auth.claims) == ((), None)
    assert kind(id="1", subject="user_2b", scopes="read:loads").scopes == ("read:loads",)
    with pytest.raises(TypeError, match="unexpected keyword"):
        kind(id="1", subject="user_2b", colour="red")


@EACH
def test_a_repr_shows_no_token(auth: Any) -> None:
    assert "secret" not in repr(auth)
    assert auth.id in repr(auth)


@pytest.mark.parametrize("token_type", [*OPAQUE])
def test_what_applications_find_at_their_request_has_scopes(token_type: str, backend: CannedBackend) -> None:
    """`to_auth` has `None` there of a refused machine, as Clerk's SDKs do."""
    token, route, _ = OPAQUE[token_type]
    ask = asking("sync", accepting(), backend, Clock())
    refused = ask(token)
    assert refused.to_auth().scopes is None
    auth = refused.to_request_auth()
    assert (auth.scopes, auth.is_authenticated) == ((), False)
    assert (auth.reason, auth.token_type) == (refused.reason, token_type)
    backend.on(route, verified(token_type))
    good = asking("sync", accepting(), backend, Clock())(token)
    assert good.to_request_auth() is good.to_auth()
