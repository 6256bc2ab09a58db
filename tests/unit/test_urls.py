"""URLs as browsers read them."""

from __future__ import annotations

import pytest

from clerk_middleware.urls import URL, parse_url

BASE = URL("https", "a.example", "/x/y")


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("https://a.example", "https://a.example/"),
        ("HTTPS://A.Example:443/X", "https://a.example/X"),
        ("http://a.example:80", "http://a.example/"),
        ("http://a.example:443", "http://a.example:443/"),
        ("http://a.example:0080", "http://a.example:80/"),
        ("http://a.example:/", "http://a.example/"),
        ("https://user:pass@a.example/", "https://a.example/"),
        ("http://[::1]:3000/", "http://[::1]:3000/"),
        (" \thttps://a.example/\n", "https://a.example/"),
        ("https://a.exa\tmple/\r\n", "https://a.example/"),
        ("https://a.example/é b?ü=%20#ö", "https://a.example/%C3%A9%20b?%C3%BC=%20#%C3%B6"),
        ("https://a.example/%zz", "https://a.example/%zz"),
        ("https://a.example\\@evil.example/", "https://a.example/@evil.example/"),
    ],
)
def test_parses(text: str, parsed: str) -> None:
    assert str(parse_url(text)) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.example",
        "/path",
        "//a.example",
        "https:",
        "https://",
        "https:///x",
        "ftp://a.example/",
        "javascript:alert(1)",
        "https://a b/",
        "https://a.example:99999/",
        "https://a.example:x/",
        "https://[::1/",
        "http://[",
        "https://é.example/",
        "https://a.example/\ud800",
    ],
)
def test_is_none_for_what_is_no_web_url(text: str) -> None:
    assert parse_url(text) is None


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("/z", "https://a.example/z"),
        ("z?q#f", "https://a.example/x/z?q#f"),
        ("", "https://a.example/x/y"),
        ("https://b.example/", "https://b.example/"),
        ("//b.example/", "https://b.example/"),
        ("/\\b.example", "https://b.example/"),
        ("\\\\b.example", "https://b.example/"),
        ("\t//b.example", "https://b.example/"),
    ],
)
def test_resolves_as_a_browser_does(text: str, resolved: str) -> None:
    assert str(parse_url(text, BASE)) == resolved


@pytest.mark.parametrize("text", ["http://[", "//[", "//[x]/", "javascript:alert(1)"])
def test_resolving_what_is_no_url_is_none_too(text: str) -> None:
    assert parse_url(text, BASE) is None


def test_hostname_leaves_the_port_out() -> None:
    assert [
        URL("http", host, "/").hostname for host in ("a.example", "a.example:80", "[::1]", "[::1]:80")
    ] == [
        "a.example",
        "a.example",
        "[::1]",
        "[::1]",
    ]


@pytest.mark.parametrize(
    ("query", "value"),
    [("a=1", "1"), ("a", ""), ("b=1&a=2&a=3", "2"), ("%61=1", "1"), ("a=%20", " "), ("a=+", " ")],
)
def test_finds_the_first_value_of_a_parameter(query: str, value: str) -> None:
    assert BASE._replace(query=query).param("a") == value


@pytest.mark.parametrize("query", ["", "ab=1", "b=a", "%zz=1"])
def test_a_parameter_that_is_not_there_is_none(query: str) -> None:
    assert BASE._replace(query=query).param("a") is None


def test_parameters_are_added_set_and_taken_out() -> None:
    url = BASE._replace(query="a=1&b=2&a=3")
    assert url.add_param("a", "4").query == "a=1&b=2&a=3&a=4"
    assert url.set_param("a", "4").query == "a=4&b=2"
    assert url.set_param("c", "&").query == "a=1&b=2&a=3&c=%26"
    assert url.without_params(["a", "c"]).query == "b=2"
    assert BASE.without_params(["a"]) is BASE
