"""Key sets (RFC 7517): which public key a token's ``kid`` means, for one Clerk instance.

The cache: its key is the instance (API URL, API version, secret key), never a ``kid`` alone. An
entry dies after five minutes, when it is replaced, or when a newer instance needs its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from .. import reasons
from ..errors import TokenVerificationError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

LIFETIME: Final = 5 * 60.0
#: After a fetch, whatever its outcome, an instance is not asked again for so many seconds.
REFETCH_INTERVAL: Final = 5.0
_MAX_INSTANCES: Final = 1024
_MAX_KEYS: Final = 64
_MIN_KEY_SIZE: Final = 2048
_MAX_KEY_SIZE: Final = 8192


class _KeySet(NamedTuple):
    keys: dict[str, RSAPublicKey]
    fetched_at: float
    expires_at: float
    failure: tuple[str, str] | None
    answer: object = None


class KeySets:
    """The key sets of all instances that one authenticator serves."""

    def __init__(self) -> None:
        self._sets: dict[Hashable, _KeySet] = {}

    def find(self, instance: Hashable, kid: str | None, now: float) -> RSAPublicKey | None:
        """Return the key, or `None` where the key set has to be fetched to know.

        :raises TokenVerificationError: where fetching it again would not help.
        """
        known = self._sets.get(instance)
        if known is None or not known.fetched_at <= now < known.expires_at:
            return None  # never fetched, too old, or from a clock that has been set back
        if kid is not None and (key := known.keys.get(kid)) is not None:
            return key
        if now < known.fetched_at + REFETCH_INTERVAL:
            # A new exception each time: one that is kept would keep its frames, and they the request.
            raise TokenVerificationError(*known.failure) if known.failure else kid_mismatch()
        if kid is None:
            raise kid_mismatch()  # no key set will ever hold it
        return None

    def store(self, instance: Hashable, answer: object, now: float) -> Mapping[str, RSAPublicKey]:
        """Keep the keys of a Backend API's answer, replacing what was known of the instance.

        Returns them by their ``kid``.

        :raises TokenVerificationError: if it holds no usable key.
        """
        known = self._sets.get(instance)
        if known is not None and known.answer is answer and answer is not None:
            return known.keys  # one answer, shared by many requests
        keys = _parse(answer)
        if not keys:
            raise TokenVerificationError(
                reasons.JWK_FAILED_TO_LOAD, "the JWKS endpoint answered without a usable RSA key"
            )
        if known is not None:  # an unchanged key stays the same object, so that verified tokens stay known
            keys = {kid: _same_or_new(known.keys.get(kid), key) for kid, key in keys.items()}
        self._put(instance, _KeySet(keys, now, now + LIFETIME, None, answer))
        return keys

    def store_failure(self, instance: Hashable, failure: TokenVerificationError, now: float) -> None:
        """Remember for a moment that the key set can't be had; keys still alive stay."""
        known, reason = self._sets.get(instance), (failure.reason, failure.message)
        if known is not None and known.keys and known.fetched_at <= now < known.expires_at:
            self._put(instance, known._replace(fetched_at=now, failure=reason))
        else:
            self._put(instance, _KeySet({}, now, now + REFETCH_INTERVAL, reason))

    def _put(self, instance: Hashable, key_set: _KeySet) -> None:
        self._sets.pop(instance, None)
        while len(self._sets) >= _MAX_INSTANCES:
            self._sets.pop(next(iter(self._sets)), None)
        self._sets[instance] = key_set


def kid_mismatch() -> TokenVerificationError:
    return TokenVerificationError(
        reasons.JWK_KID_MISMATCH,
        "no key of this Clerk instance has the token's 'kid': the token may be of another instance than "
        "secret_key",
    )


def _same_or_new(old: RSAPublicKey | None, new: RSAPublicKey) -> RSAPublicKey:
    return old if old is not None and old == new else new


def _parse(answer: object) -> dict[str, RSAPublicKey]:
    listed = answer.get("keys") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        return {}
    keys: dict[str, RSAPublicKey] = {}
    for jwk in listed[:_MAX_KEYS]:
        if isinstance(jwk, dict) and (key := _rsa_key(jwk)) is not None:
            keys.setdefault(jwk["kid"], key)
    return keys


def _rsa_key(jwk: dict[str, Any]) -> RSAPublicKey | None:
    """The public RSA key in *jwk*, `None` if it is no key to verify RS256 with."""
    usable = (
        jwk.get("kty") == "RSA"
        and isinstance(jwk.get("kid"), str)
        and jwk["kid"]
        and jwk.get("use", "sig") == "sig"
        and jwk.get("alg", "RS256") == "RS256"
    )
    if not usable:
        return None
    # Imported here: a jwt_key needs none of it, and start-up is the faster for it.
    from jwt import InvalidKeyError
    from jwt.algorithms import RSAAlgorithm

    try:
        key = RSAAlgorithm.from_jwk({name: jwk[name] for name in ("kty", "n", "e") if name in jwk})
    except (InvalidKeyError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPublicKey) and is_strong(key) else None


def is_strong(key: RSAPublicKey) -> bool:
    """Whether the key is of a size that neither an attacker breaks nor verifying takes long with."""
    return _MIN_KEY_SIZE <= key.key_size <= _MAX_KEY_SIZE
