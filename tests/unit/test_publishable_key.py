"""`PublishableKey`: which instance it names, and where that one's hosts are."""

from __future__ import annotations

from base64 import b64encode

import pytest

from clerk_middleware import ConfigurationError, PublishableKey


def key_of(host: str, kind: str = "live") -> str:
    return f"pk_{kind}_{b64encode(f'{host}$'.encode()).decode()}"


@pytest.mark.parametrize("padded", [True, False])
def test_parses_with_and_without_padding(padded: bool) -> None:
    text = key_of("clerk.ex.com")
    assert text.endswith("=")
    key = PublishableKey.parse(text if padded else text.rstrip("="))
    assert key.frontend_api == "clerk.ex.com"


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        b"pk_test_YQ==",
        "",
        "pk_test_",
        "pk_dev_Y2xlcmsuZXhhbXBsZS5jb20k",
        "PK_LIVE_Y2xlcmsuZXhhbXBsZS5jb20k",
        "pk_live_Y2xlcmsuZXhhbXBsZS5jb20",  # without the dollar sign
        "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k====",
        "pk_live_Y2xl cmsuZXhhbXBsZS5jb20k",
        "pk_live_é",
        key_of("clerk.example.com/path"),
        key_of("user@clerk.example.com"),
        key_of("https://clerk.example.com"),
        key_of("clerk.example.com$"),
        key_of("clerk.example.com\r\nx: y"),
        key_of("localhost"),
        key_of(""),
    ],
)
def test_refuses_what_is_no_key(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no publishable key.*Dashboard") as refused:
        PublishableKey.parse(text)
    assert refused.value.option == "publishable_key"


@pytest.mark.parametrize(
    ("host", "portal"),
    [
        ("clerk.example.com", "https://accounts.example.com"),
        ("happy-cat-1.clerk.accounts.dev", "https://happy-cat-1.accounts.dev"),
        ("happy-cat-1.clerk.accountsstage.dev", "https://happy-cat-1.accountsstage.dev"),
    ],
)
def test_knows_the_account_portal(host: str, portal: str) -> None:
    assert PublishableKey.parse(key_of(host)).account_portal() == portal


def test_equal_keys_are_equal_and_show_themselves() -> None:
    one, other = PublishableKey.parse(key_of("a.com")), PublishableKey.parse(key_of("a.com"))
    assert one == other
    assert hash(one) == hash(other)
    assert one != PublishableKey.parse(key_of("a.com", "test"))
    assert one != key_of("a.com")
    assert repr(one) == f"PublishableKey('{key_of('a.com')}')"
