"""The checks of `ClerkConfig`. Each message says what is wrong and what to do.

A value is only shown where it is no secret.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, get_args

from .errors import ConfigurationError
from .routes import RouteMatcher
from .tokens.classes import TOKEN_TYPES, TokenType, types_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from .config import ClerkConfig
    from .tokens.classes import AcceptsToken

DEVELOPMENT_KEYS: Final = ("sk_test_", "test_")
_PRODUCTION_KEYS: Final = ("sk_live_", "live_")
DASHBOARD: Final = "Copy it from 'API keys' in the Clerk Dashboard."

HOST: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
# Texts, which `re` compiles when they are first used: a configuration is read once.
_ORIGIN: Final = rf"[A-Za-z][A-Za-z0-9+.-]*://{HOST}"
_HTTP_URL: Final = rf"(?i:https?://{HOST}(?:[/?#]\S*)?)"
_PATH: Final = r"/(?![/\\])\S*"

# A path that is spelled in one way only: each segment of unreserved characters, and no dot segment.
_PLAIN_PATH: Final = r"/|(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+"

_LOOPBACK: Final = r"http://(?:localhost|127\.[0-9.]+|\[::1\])(?:[:/]|$)"

_FLAGS: Final = {"true": True, "1": True, "yes": True, "on": True}
_FLAGS_OFF: Final = {"false": False, "0": False, "no": False, "off": False}
LISTS: Final = (
    "authorized_parties",
    "audience",
    "organization_patterns",
    "personal_account_patterns",
    "oauth_resources",
    "oauth_scopes",
)


def shown(value: object) -> str:
    """*value* for a message, unless it may be a secret in the wrong place."""
    text = repr(value)
    return text if len(text) <= 100 and "@" not in text and "sk_" not in text else "a value that is not shown"


def wrong(option: str, problem: str, source: str | None = None) -> ConfigurationError:
    """The error of an option, whose name begins the message; *problem* goes on from there."""
    return ConfigurationError(problem, option=option, source=source or option)


def boolean(option: str, value: object) -> None:
    if not isinstance(value, bool):
        raise wrong(option, f"must be True or False, but is {value!r}.")


def key_text(option: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        raise wrong(option, f"must be text, but is of type {type(value).__name__}.")
    if not value.strip():
        raise wrong(option, f"is empty. {DASHBOARD} Leave it out (None) if you do not use it.")
    if option != "jwt_key" and (
        not value.isascii() or any(c.isspace() or not c.isprintable() for c in value)
    ):
        raise wrong(option, f"has white space or other characters that no key has. {DASHBOARD}")


def secret_key(value: str | None) -> None:
    if value is None or value.startswith(DEVELOPMENT_KEYS + _PRODUCTION_KEYS):
        return
    looks = {"pk_": "the publishable key", "ak_": "a machine's secret key (machine_secret_key) or an API key"}
    hint = f" This looks like {looks[value[:3]]}." if value[:3] in looks else ""
    raise wrong("secret_key", f"starts with neither 'sk_test_' nor 'sk_live_'.{hint} {DASHBOARD}")


def machine_secret_key(value: str | None) -> None:
    if value is not None and value.startswith((*DEVELOPMENT_KEYS, *_PRODUCTION_KEYS, "pk_")):
        raise wrong(
            "machine_secret_key",
            "is a key of the instance: a machine's starts with 'ak_'. Copy it from 'Machines' in the Clerk "
            "Dashboard.",
        )


def strings(option: str, value: object) -> tuple[str, ...] | None:
    """*value* as a tuple; a single text is one only for the audience."""
    if value is None:
        return None if option.endswith("_patterns") else ()
    if isinstance(value, str):
        if option == "audience":
            return (value,)
        raise wrong(option, f"must be a list, but is the text {shown(value)}: write [...] around it.")
    try:
        items: tuple[object, ...] = tuple(value)  # type: ignore[arg-type]
    except TypeError:
        raise wrong(option, f"must be a list of texts, but is of type {type(value).__name__}.") from None
    if bad := [item for item in items if not isinstance(item, str)]:
        raise wrong(option, f"must hold texts only, but holds one of type {type(bad[0]).__name__}.")
    return items  # type: ignore[return-value]


def origins(values: Sequence[str]) -> None:
    for value in values:
        if not (re.fullmatch(_ORIGIN, value) and _as_browsers_write(value) == value):
            raise wrong(
                "authorized_parties", f"holds {shown(value)}, which is no origin. {_better_origin(value)}"
            )


def _better_origin(value: str) -> str:
    if any(character.isspace() for character in value.strip()):
        return "Write each origin on its own: in an environment variable, separated by commas."
    if "*" in value:
        return "There are no wildcards: name each origin."
    if not value.isascii():
        return "Write the host as browsers send it, in its ASCII form: 'https://xn--…'."
    if found := re.match(_ORIGIN, value.strip()):
        return f"Write it as browsers send it: {_as_browsers_write(found[0])!r}."
    return "Write an origin, such as 'https://example.com' or 'http://localhost:3000'."


def _as_browsers_write(origin: str) -> str:
    """An origin in lower case and without a default port (RFC 6454, 6.2)."""
    from .urls import parse_url

    url = parse_url(origin)
    return url.origin if url is not None else origin


def milliseconds(option: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 86_400_000:
        raise wrong(option, f"must be a number of milliseconds from 0 to one day, but is {value!r}.")


def domain(value: object) -> None:
    if value is not None and not (isinstance(value, str) and re.fullmatch(HOST, value)):
        raise wrong(
            "domain",
            f"must be a host name such as 'satellite.example.org', but is {shown(value)}. Leave out "
            "'https://' and any path.",
        )


def url_or_path(option: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, str) or not (re.fullmatch(_HTTP_URL, value) or re.fullmatch(_PATH, value)):
        raise wrong(
            option,
            "must be a URL such as 'https://example.com/path' or a path such as '/path', but is "
            f"{shown(value)}.",
        )


def is_plain_path(text: str) -> bool:
    """Whether *text* is a path without a slash at its end that can be spelled in no other way."""
    return re.fullmatch(_PLAIN_PATH, text) is not None


def api_url(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(_HTTP_URL, value) or "?" in value or "#" in value:
        raise wrong("api_url", f"must be a URL such as 'https://api.clerk.com', but is {shown(value)}.")
    if re.search(r"/v[0-9]+/?$", value):
        raise wrong("api_url", f"ends in a version, {shown(value)}: leave it out, api_version holds it.")
    return value.rstrip("/")


def api_version(value: object) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"v[0-9]{1,4}", value):
        raise wrong("api_version", f"must be a version such as 'v1', but is {shown(value)}.")


def token_types(value: object) -> AcceptsToken:
    types = (value,) if isinstance(value, str) else value
    if value != "any" and (
        not isinstance(types, (list, tuple, set, frozenset))
        or not types
        or not all(isinstance(item, str) and item in TOKEN_TYPES for item in types)
    ):
        known = ", ".join(repr(name) for name in get_args(TokenType))
        raise wrong(
            "accepts_token", f"must be one of {known}, a list of these, or 'any', but is {shown(value)}."
        )
    return value if isinstance(value, str) else tuple(types)  # type: ignore[return-value,arg-type]


def public_key(text: str) -> RSAPublicKey:
    """Parse `jwt_key`; line breaks may have become ``\\n`` or got lost, as they do in .env files."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    from .tokens.jwks import is_strong

    if text.startswith(("sk_", "pk_")):
        raise wrong("jwt_key", f"is another key: this one is a PEM public key. {DASHBOARD}")
    if "PRIVATE KEY" in text:
        raise wrong("jwt_key", f"is a private key; Clerk's PEM public key is wanted. {DASHBOARD}")
    body = re.sub(r"-----(?:BEGIN|END)[A-Z ]*-----|\\n|\s", "", text)
    pem = f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"
    try:
        key = load_pem_public_key(pem.encode("ascii"))
    except Exception:  # the library names no complete list of what it raises on hostile bytes
        raise wrong(
            "jwt_key",
            "is no public key in PEM, which starts with '-----BEGIN PUBLIC KEY-----', or is cut off. "
            "Copy 'JWKS Public Key' from 'API keys' in the Clerk Dashboard.",
        ) from None
    if not isinstance(key, RSAPublicKey) or not is_strong(key):
        raise wrong("jwt_key", f"is no RSA public key of at least 2048 bits, as Clerk's are. {DASHBOARD}")
    return key


def routes(option: str, patterns: Sequence[str] | None) -> RouteMatcher | None:
    if not patterns:
        return None
    try:
        matcher = RouteMatcher(patterns)
    except ConfigurationError as error:
        raise wrong(option, f"{error}.") from None
    if option == "organization_patterns":
        for pattern in patterns:
            if not re.search(r":(?:id|slug)\b", pattern):
                raise wrong(option, f"holds {pattern!r}, which names no organization: use ':id' or ':slug'.")
    return matcher


def keys_belong_together(config: ClerkConfig) -> None:
    key, secret = config.parsed_publishable_key, config.secret_key
    if key is not None and secret is not None and key.is_development != secret.startswith(DEVELOPMENT_KEYS):
        kind = "production" if key.is_development else "development"
        raise wrong(
            "secret_key",
            f"is of a {kind} instance, but publishable_key is of a {key.instance_type} one. Copy both from "
            "the same page, 'API keys' of one instance, in the Clerk Dashboard.",
        )


def connection_is_private(config: ClerkConfig) -> None:
    """A live secret key does not cross a network in plain text."""
    is_live = config.secret_key is not None and config.secret_key.startswith(_PRODUCTION_KEYS)
    for option in ("api_url", "fapi_url"):
        url = getattr(config, option) or ""
        if is_live and url.startswith("http://") and not re.match(_LOOPBACK, url):
            raise wrong(
                option, "is an http:// URL, over which a live secret key would be sent: use https://."
            )


def keys_suffice(config: ClerkConfig, accepts_token: AcceptsToken) -> None:
    """Whether there is a key to verify the accepted types of token with."""
    if types_of(accepts_token) == ("m2m_token",):
        if config.secret_key is None and config.machine_secret_key is None:
            raise ConfigurationError(
                "M2M tokens need machine_secret_key (CLERK_MACHINE_SECRET_KEY) or secret_key "
                f"(CLERK_SECRET_KEY), and neither is set. {DASHBOARD}",
                option="machine_secret_key",
            )
    elif config.secret_key is None and config.jwt_key is None:
        raise ConfigurationError(
            "neither secret_key (CLERK_SECRET_KEY) nor jwt_key (CLERK_JWT_KEY) is set, so no token can be "
            f"verified. {DASHBOARD}"
            + (
                " If M2M tokens alone are, set accepts_token='m2m_token'."
                if config.machine_secret_key
                else ""
            ),
            option="secret_key",
        )
    elif config.secret_key is None and accepts_token != "any" and "api_key" in types_of(accepts_token):
        raise ConfigurationError(
            f"only Clerk can verify API keys, which takes secret_key (CLERK_SECRET_KEY). {DASHBOARD}",
            option="secret_key",
        )


def satellite(config: ClerkConfig) -> None:
    if not config.is_satellite:
        return
    if not config.domain and not config.proxy_url:
        raise wrong("is_satellite", "a satellite needs domain (this application's host) or proxy_url.")
    if not config.is_development:
        return
    if not config.sign_in_url:
        raise wrong(
            "sign_in_url",
            "is missing: a satellite of a development instance needs the URL of the primary application's "
            "sign-in page.",
        )
    if _host(config.sign_in_url) == (config.domain or "").lower() != "":
        raise sign_in_on_satellite(config.sign_in_url)


def sign_in_on_satellite(url: str | None) -> ConfigurationError:
    return wrong(
        "sign_in_url",
        f"is {url!r}, on this satellite itself. It must be the URL of the primary application's "
        "sign-in page.",
    )


def _host(url: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(url).netloc.lower()


def from_text(option: str, text: str, source: str) -> Any:
    """An option's value from the text of a setting, *source*."""
    if option in LISTS or (option == "accepts_token" and "," in text):
        return [item.strip() for item in text.split(",") if item.strip()]
    if option in ("is_satellite", "satellite_auto_sync", "trust_forwarded_headers"):
        flag = (_FLAGS | _FLAGS_OFF).get(text.lower())
        if flag is None:
            raise wrong(option, f"must be true or false, but is {text!r}.", source)
        return flag
    if option == "frontend_api_proxy":
        return (_FLAGS | _FLAGS_OFF).get(text.lower(), text)
    if option == "webhook_signing_secret":
        return [item.strip() for item in text.split(",") if item.strip()]
    if option.endswith("_in_ms"):
        if not (text.isascii() and text.isdecimal() and len(text) < 20):
            raise wrong(option, f"must be a whole number of milliseconds, but is {text!r}.", source)
        return int(text)
    return text
