"""`RouteMatcher` beyond the conformance vectors: what it says, and patterns that are none."""

from __future__ import annotations

import pytest

from clerk_middleware import ConfigurationError, RouteMatcher


def test_the_first_pattern_that_matches_counts() -> None:
    matcher = RouteMatcher(["/orgs/:slug", "/orgs/:id"])
    assert matcher.match("/orgs/acme") == {"slug": "acme"}


def test_one_pattern_needs_no_list() -> None:
    assert RouteMatcher("/me").match("/ME/") == {}


def test_an_optional_parameter_that_is_not_there_is_left_out() -> None:
    assert RouteMatcher("/orgs/:slug?").match("/orgs") == {}


def test_an_encoded_slash_is_no_slash() -> None:
    assert RouteMatcher("/orgs/:slug").match("/orgs/a%2Fb") == {"slug": "a%2Fb"}


def test_a_backslash_takes_the_next_character_as_it_is() -> None:
    assert RouteMatcher("/a\\:b").match("/a:b") == {}


@pytest.mark.parametrize("pattern", ["/café", "/caf%C3%A9"])
def test_a_literal_matches_as_urls_encode_it(pattern: str) -> None:
    assert RouteMatcher(pattern).match("/caf%C3%A9") == {}
    assert RouteMatcher("/my files/:name").match("/my%20files/x") == {"name": "x"}


def test_shows_its_patterns() -> None:
    assert repr(RouteMatcher("/me")) == "RouteMatcher(['/me'])"


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("me", "starts with '/'"),
        ("", "starts with '/'"),
        (7, "starts with '/'"),
        ("/a*", r"has a '\*' that means nothing there"),
        ("/:", "has a ':'"),
        ("/a)", r"has a '\)'"),
        ("/a{b}", "has a '{'"),
        ("/(a", "never closed"),
        ("/(a\\)", "never closed"),
        ("/([a)", "not valid"),
        ("/:a/:a", "not valid"),
        ("/(a{99999999999999999999})", "not valid"),  # `re` raises OverflowError
        ("/" + "(" * 3000 + ")" * 3000, "not valid"),  # `re` raises RecursionError
    ],
    ids=lambda value: str(value)[:30],
)
def test_says_what_is_wrong_with_a_pattern(pattern: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        RouteMatcher([pattern])


def test_none_is_no_pattern() -> None:
    with pytest.raises(ConfigurationError):
        RouteMatcher(None)  # type: ignore[arg-type]
