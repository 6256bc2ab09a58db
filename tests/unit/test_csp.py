"""`CSP`: its options, and the policy of an application that sends none itself."""

from __future__ import annotations

import pickle
from copy import deepcopy
from dataclasses import FrozenInstanceError, asdict, replace
from typing import Any

import pytest

from clerk_middleware import ClerkConfig, ClerkError, ConfigurationError
from clerk_middleware.csp import CSP, ResponsePolicy
from clerk_middleware.csp.directives import Places

from .conftest import PRODUCTION

FRONTEND_API = "clerk.example.com"
SIGN_IN = "https://accounts.example.com/sign-in"
OWN_ORIGIN = "https://app.example.com"
CHALLENGES = "https://challenges.cloudflare.com"


def directives(
    csp: CSP, frontend_api: str | None = FRONTEND_API, sign_in: str | None = SIGN_IN
) -> dict[str, list[str]]:
    """The policy that a page gets, by directive; its nonce is ``'nonce-…'``."""
    policy = ResponsePolicy(csp, frontend_api, OWN_ORIGIN, sign_in)
    [text] = [value for name, value in policy.headers(200, [], str) if name == csp.header]
    if policy.nonce is not None:
        text = text.replace(policy.nonce, "…")
    parsed = [part.split() for part in text.split("; ")]
    assert len({words[0] for words in parsed}) == len(parsed)
    return {name: sources for name, *sources in parsed}


def refusal(*args: Any, **options: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        CSP(*args, **options)
    assert caught.value.option == "content_security_policy"
    assert isinstance(caught.value, ClerkError)
    return caught.value.problem


# --- Clerk's defaults ----------------------------------------------------------------------------------


def test_the_default_is_the_one_of_clerks_page_with_what_it_requires() -> None:
    assert directives(CSP()) == {
        "connect-src": [
            "'self'",
            "https://clerk-telemetry.com",
            "https://*.clerk-telemetry.com",
            "https://api.stripe.com",
            "https://maps.googleapis.com",
            "https://clerk.example.com",
        ],
        "default-src": ["'self'"],
        "form-action": ["'self'", "https://clerk.example.com", "https://accounts.example.com"],
        "frame-src": [
            "'self'",
            CHALLENGES,
            "https://*.js.stripe.com",
            "https://js.stripe.com",
            "https://hooks.stripe.com",
        ],
        "img-src": ["'self'", "https://img.clerk.com"],
        "script-src": [
            "'self'",
            "'unsafe-inline'",
            "https:",
            "http:",
            "https://*.js.stripe.com",
            "https://js.stripe.com",
            "https://maps.googleapis.com",
            "https://clerk.example.com",
            CHALLENGES,
        ],
        "style-src": ["'self'", "'unsafe-inline'"],
        "worker-src": ["'self'", "blob:"],
    }


def test_a_strict_policy_runs_no_script_without_the_nonce() -> None:
    strict, default = directives(CSP(strict=True)), directives(CSP())
    assert strict.pop("script-src") == [
        "'self'",
        "https://*.js.stripe.com",
        "https://js.stripe.com",
        "https://maps.googleapis.com",
        "https://clerk.example.com",
        CHALLENGES,
        "'nonce-…'",
        "'strict-dynamic'",
    ]
    assert strict.pop("base-uri") == ["'none'"]
    assert strict.pop("object-src") == ["'none'"]
    del default["script-src"]
    assert strict == default


@pytest.mark.parametrize(
    ("frontend_api", "source"),
    [
        ("clerk.example.com", "https://clerk.example.com"),
        ("Clerk.Example.com:8443", "https://clerk.example.com:8443"),
        ("https://clerk.example.com", "https://clerk.example.com"),
        ("https://clerk.example.com:443/", "https://clerk.example.com"),
        ("http://127.0.0.1:4010", "http://127.0.0.1:4010"),
        ("https://user:pw@clerk.example.com/a;b,c?d#e", "https://clerk.example.com"),
        ("https://other.example.com/__clerk", "https://other.example.com"),
        ("https://app.example.com.evil.example", "https://app.example.com.evil.example"),
        ("https://app.example.com:8443/__clerk", "https://app.example.com:8443"),
        ("http://app.example.com/__clerk", "http://app.example.com"),
        # Proxied on the page's own origin.
        ("/__clerk", None),
        ("https://app.example.com", None),
        ("https://app.example.com/__clerk", None),
        ("https://APP.example.com:443/__clerk", None),
        # Not known, or nothing that can stand in a policy.
        (None, None),
        ("", None),
        ("clerk.example.com; script-src *", None),
        ("clerk.example.com, default-src *", None),
        ("https://clerk.example.com\r\nset-cookie: a=b", None),
        ("https://*", None),
        ("https://*.example.com", None),
        ("clerk.exämple.com", None),
        ("https://[::1]:4010", None),
        ("https://a..example.com", None),
        ("https://a~b.example.com", None),
        ("ftp://clerk.example.com", None),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("'unsafe-eval'", None),
    ],
)
def test_the_frontend_api_is_an_origin_and_nothing_else_of_it_gets_in(
    frontend_api: str | None, source: str | None
) -> None:
    without = directives(CSP(), None, None)
    found = directives(CSP(), frontend_api, None)
    added = [] if source is None else [source]
    for name in ("connect-src", "form-action"):
        assert found.pop(name) == without.pop(name) + added
    scripts = without.pop("script-src")
    assert scripts.pop() == CHALLENGES
    assert found.pop("script-src") == [*scripts, *added, CHALLENGES]
    assert found == without
    # Where to sign in is another such place, for forms alone.
    assert directives(CSP(), None, frontend_api) == {
        **directives(CSP(), None, None),
        "form-action": ["'self'", *added],
    }


def test_forms_may_be_answered_by_redirects_to_clerk() -> None:
    """Browsers apply ``form-action`` to the redirects that follow a form, too."""
    own = {"form-action": "https://pay.example"}
    for strict in (False, True):
        csp = CSP(strict=strict, directives=own)
        pay = ["'self'", "https://clerk.example.com", "https://accounts.example.com", "https://pay.example"]
        assert directives(csp)["form-action"] == pay
        assert directives(csp, "/__clerk", "/sign-in")["form-action"] == ["'self'", "https://pay.example"]
        assert directives(csp, FRONTEND_API, "https://clerk.example.com/in")["form-action"] == [
            "'self'",
            "https://clerk.example.com",
            "https://pay.example",
        ]
        without_forms = CSP(strict=strict, directives={"form-action": "none"})
        assert directives(without_forms)["form-action"] == ["'none'"]


def test_own_scripts_and_requests_are_covered_where_the_frontend_api_is_proxied() -> None:
    csp = CSP(directives={"script-src": "none", "connect-src": "none"})
    proxied = directives(csp, "/__clerk")
    assert proxied["connect-src"] == ["'self'"]
    assert proxied["script-src"] == ["'self'", CHALLENGES]
    unknown = directives(csp, None)
    assert unknown["connect-src"] == ["'none'"]
    assert unknown["script-src"] == [CHALLENGES]


def test_each_frontend_api_has_a_policy_of_its_own() -> None:
    csp = CSP()
    hosts = [None, "/__clerk", *(f"clerk-{number}.example.com" for number in range(100))]
    for host in hosts * 2:  # remembered, forgotten again, and never mixed up
        added = [f"https://{host}"] if host in hosts[2:] else []
        assert directives(csp, host)["connect-src"][5:] == added


def test_a_policy_is_put_together_once() -> None:
    csp, places = CSP(), Places("https://clerk.example.com", "https://accounts.example.com")
    assert csp.own_policy(places) is csp.own_policy(Places(*places))


@pytest.mark.parametrize(
    ("options", "connect", "form"),
    [
        ({}, ["https://clerk.example.com"], ["https://clerk.example.com", "https://accounts.example.com"]),
        ({"proxy_url": "/__clerk"}, [], ["https://accounts.example.com"]),
        ({"proxy_url": "https://app.example.com/__clerk", "sign_in_url": "/in"}, [], []),
        (
            {"is_satellite": True, "domain": "sat.example", "sign_in_url": "https://example.com/in"},
            ["https://clerk.sat.example"],
            ["https://clerk.sat.example", "https://example.com"],
        ),
        ({"publishable_key": None}, [], []),
        ({"publishable_key": None, "sign_in_url": "https://example.com/in"}, [], ["https://example.com"]),
    ],
)
def test_a_configuration_says_where_clerk_is(
    options: dict[str, Any], connect: list[str], form: list[str]
) -> None:
    config = ClerkConfig(**{**PRODUCTION, **options}, content_security_policy=CSP())
    policy = ResponsePolicy.of(config, OWN_ORIGIN)
    assert policy is not None
    found = {
        name: sources for name, *sources in map(str.split, policy.headers(200, [], str)[0][1].split(";"))
    }
    assert found["connect-src"][5:] == connect
    assert found["form-action"][1:] == form
    assert ResponsePolicy.of(replace(config, content_security_policy=None), OWN_ORIGIN) is None


# --- The application's own directives ------------------------------------------------------------------


@pytest.mark.parametrize("given", ["self  https://a.example data:", ["self", "https://a.example", "data:"]])
def test_sources_are_added_to_the_defaults_each_once(given: str | list[str]) -> None:
    added = directives(CSP(directives={"img-src": given, "font-src": given}))
    assert added["img-src"] == ["'self'", "https://img.clerk.com", "https://a.example", "data:"]
    assert added["font-src"] == ["'self'", "https://a.example", "data:"]


def test_names_and_keywords_may_be_written_in_any_case_and_without_quotes() -> None:
    csp = CSP(directives={"Script-SRC": ["UNSAFE-EVAL", "'Unsafe-Hashes'", "sha256-abcDEF+/_-=", "Self"]})
    assert csp.directives == {
        "script-src": ("'unsafe-eval'", "'unsafe-hashes'", "'sha256-abcDEF+/_-='", "'self'")
    }


def test_none_drops_the_defaults_but_not_what_clerk_requires() -> None:
    found = directives(
        CSP(
            strict=True,
            directives=dict.fromkeys(
                ["connect-src", "default-src", "font-src", "form-action", "frame-src", "img-src"], "none"
            )
            | dict.fromkeys(["script-src", "style-src", "worker-src"], "'none'"),
        )
    )
    assert found == {
        "connect-src": ["https://clerk.example.com"],
        "default-src": ["'none'"],
        "form-action": ["'none'"],
        "frame-src": [CHALLENGES],
        "img-src": ["https://img.clerk.com"],
        "script-src": ["https://clerk.example.com", CHALLENGES, "'nonce-…'", "'strict-dynamic'"],
        "style-src": ["'unsafe-inline'"],
        "worker-src": ["'self'", "blob:"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "font-src": ["'none'"],
    }


def test_a_more_special_directive_gets_what_clerk_requires_too() -> None:
    own = {"script-src-elem": "https://cdn.example", "style-src-elem": "self", "script-src-attr": "none"}
    found = directives(CSP(directives=own))
    assert found["script-src-elem"] == ["https://cdn.example", "https://clerk.example.com", CHALLENGES]
    assert found["style-src-elem"] == ["'self'", "'unsafe-inline'"]
    assert found["script-src-attr"] == ["'none'"]
    strict = directives(CSP(directives=own, strict=True))
    assert strict["script-src-elem"][-2:] == ["'nonce-…'", "'strict-dynamic'"]


def test_a_strict_policy_says_what_the_application_says_of_base_and_objects() -> None:
    found = directives(CSP(strict=True, directives={"base-uri": "self", "object-src": "https://a.example"}))
    assert found["base-uri"] == ["'self'"]
    assert found["object-src"] == ["https://a.example"]


def test_styles_with_hashes_get_the_nonce_of_a_strict_policy() -> None:
    """Browsers ignore ``'unsafe-inline'`` beside a hash."""
    found = directives(CSP(strict=True, directives={"style-src": "sha256-abc="}))
    assert found["style-src"] == ["'self'", "'nonce-…'", "'sha256-abc='"]


def test_directives_without_sources() -> None:
    found = directives(
        CSP(
            directives={
                "upgrade-insecure-requests": [],
                "block-all-mixed-content": "",
                "sandbox": (),
                "require-trusted-types-for": "script",
                "trusted-types": ["dompurify", "allow-duplicates", "*"],
            }
        )
    )
    assert found["upgrade-insecure-requests"] == found["block-all-mixed-content"] == found["sandbox"] == []
    assert found["require-trusted-types-for"] == ["'script'"]
    assert found["trusted-types"] == ["dompurify", "'allow-duplicates'", "*"]
    assert directives(CSP(directives={"sandbox": "allow-scripts"}))["sandbox"] == ["allow-scripts"]


@pytest.mark.parametrize(
    "source",
    [
        "*",
        "https:",
        "data:",
        "com.example.app:",
        "localhost",
        "localhost:*",
        "example.com",
        "*.example.com:8443",
        "wss://live.example.com",
        "https://example.com/a/b.js",
        "https://*.example.com:*/path/",
        "xn--bcher-kva.example",
        "a_b.example",
        "127.0.0.1:8000",
        "'wasm-unsafe-eval'",
        "'report-sample'",
    ],
)
def test_a_source_stays_as_it_is(source: str) -> None:
    assert CSP(directives={"media-src": [source]}).directives["media-src"] == (source,)


# --- Reports -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["https://r.example/csp?key=1&x=%2C", "/csp-reports", "http://localhost:8/"])
def test_reports_are_sent_to_an_endpoint(url: str) -> None:
    csp = CSP(report_to=url)
    found = directives(csp)
    assert list(found)[-2:] == ["report-to", "report-uri"]
    assert found["report-to"] == ["csp-endpoint"]
    assert found["report-uri"] == [url]
    assert ResponsePolicy(csp, None, OWN_ORIGIN).headers(200, [], str)[1:] == [
        ("reporting-endpoints", f'csp-endpoint="{url}"')
    ]


def test_a_policy_that_only_reports_has_a_header_of_its_own() -> None:
    csp = CSP(report_only=True)
    assert csp.header == "content-security-policy-report-only"
    assert CSP().header == "content-security-policy"
    assert directives(csp) == directives(CSP())


# --- What is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("directive", "value", "explained"),
    [
        ("script_src", "self", "is no directive. Did you mean 'script-src'?"),
        ("scriptSrc", "self", "is no directive. Did you mean 'script-src'?"),
        ("styleSrcElem", "self", "is no directive. Did you mean 'style-src-elem'?"),
        ("script-scr", "self", "Did you mean 'script-src'?"),
        ("plugin", "self", "is no directive."),
        ("img-src; script-src", "self", "is no directive."),
        ("img-src\r\nset-cookie: a", "self", "is no directive."),
        (1, "self", "1, which is no directive."),
        ("report-uri", "/x", "CSP(report_to='https://...')"),
        ("Report-To", "x", "CSP(report_to='https://...')"),
        ("img-src", None, "'img-src' must be a list of texts, or a text, but is of type NoneType"),
        ("img-src", True, "of type bool"),
        ("img-src", b"self", "of type bytes"),
        ("img-src", {"self": True}, "of type dict"),
        ("img-src", [1], "must hold texts only, but holds one of type int"),
        ("img-src", "", "is empty: write ['none'], or leave it out"),
        ("img-src", [], "is empty: write ['none'], or leave it out"),
        ("img-src", [""], "each source is a text of its own"),
        ("img-src", ["self https://a.example"], "each source is a text of its own, without spaces"),
        ("img-src", ["https://a.example;"], "without spaces, ',', ';'"),
        ("img-src", "https://a.example, https://b.example", "without spaces, ',', ';'"),
        ("img-src", ["https://a.example\r\nset-cookie: a"], "without spaces"),
        ("img-src", ["https://a.example\x00"], "without spaces"),
        ("img-src", ["https://exämple.com"], "a host has an xn-- form"),
        ("img-src", ["none", "self"], "'none' and others"),
        ("img-src", "http https", "which would be a host's name: write 'http:'"),
        ("img-src", "data", "write 'data:'"),
        ("img-src", "https://a.example?b=1", "is no source."),
        ("img-src", "https://a.example#b", "is no source."),
        ("img-src", "https://", "is no source."),
        ("img-src", "a.*.example", "is no source."),
        ("img-src", "'self", "is no source. Did you mean 'self'?"),
        ("img-src", "''", "is no source."),
        ("img-src", "'https:'", "is no source."),
        ("img-src", "'data'", "is no source."),
        ("script-src", "unsafe_inline", "Did you mean 'unsafe-inline'?"),
        ("script-src", "'unsafe-inlin'", "Did you mean 'unsafe-inline'?"),
        ("script-src", "'nonce-abc'", "strict=True"),
        ("style-src", "NONCE-abc", "strict=True"),
        ("script-src", "'strict-dynamic'", "strict=True"),
        ("style-src", "sha256-abc=", "makes browsers ignore 'unsafe-inline'"),
        ("style-src-elem", "'sha512-abc='", "makes browsers ignore 'unsafe-inline'"),
        ("upgrade-insecure-requests", True, "takes no value, but has True: write []"),
        ("upgrade-insecure-requests", "1", "takes no value"),
        ("sandbox", "self", "means nothing there: write 'allow-scripts', for example"),
        ("require-trusted-types-for", "style", "means nothing there: write \"'script'\", for example"),
        ("require-trusted-types-for", [], "is empty"),
        ("trusted-types", "a!b", "means nothing there"),
        ("trusted-types", "none dompurify", "'none' and others"),
    ],
)
def test_a_directive_that_would_not_work_is_refused(directive: Any, value: Any, explained: str) -> None:
    assert explained in refusal(directives={directive: value})


@pytest.mark.parametrize("directive", ["script-src", "script-src-elem", "script-src-attr"])
def test_a_strict_policy_has_no_unsafe_inline(directive: str) -> None:
    own = {directive: ["https://a.example", "unsafe-inline"]}
    assert "give each inline script the nonce" in refusal(strict=True, directives=own)
    assert CSP(directives=own).directives[directive] == ("https://a.example", "'unsafe-inline'")


def test_strict_dynamic_goes_with_a_hash_or_with_a_strict_policy() -> None:
    own = {"script-src": ["strict-dynamic", "sha256-abc="]}
    assert CSP(directives=own).directives == {"script-src": ("'strict-dynamic'", "'sha256-abc='")}
    strict = directives(CSP(strict=True, directives={"script-src": "strict-dynamic"}))
    assert strict["script-src"].count("'strict-dynamic'") == 1


def test_a_directive_that_stands_twice_is_refused() -> None:
    assert "'img-src' twice" in refusal(directives={"img-src": "self", "IMG-SRC": "data:"})


@pytest.mark.parametrize("given", ["default-src 'self'", ["default-src"], None])
def test_directives_are_a_dict(given: Any) -> None:
    assert '{"img-src": ["https://images.example.com"]}' in refusal(directives=given)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "csp-endpoint",
        "r.example/csp",
        "http://r.example/csp",
        "//r.example/csp",
        "javascript:alert(1)",
        'https://r.example/"',
        "https://r.example/a;b",
        "https://r.example/a,b",
        "https://r.example/a b",
        "https://r.example/\r\nx: y",
        "https://r.example/\n",
        "/a\\b",
        "https://user@r.example/",
        "/é",
        7,
    ],
)
def test_reports_go_to_a_url_that_fits_into_a_header(url: Any) -> None:
    assert "report_to is" in refusal(report_to=url)


@pytest.mark.parametrize("option", ["strict", "report_only"])
def test_flags_are_flags(option: str) -> None:
    assert refusal(**{option: "yes"}) == f"{option} must be True or False, but is 'yes'."


def test_what_may_be_a_secret_is_not_shown() -> None:
    assert "sk_live" not in refusal(directives={"connect-src": "https://a.example?sk_live_1"})
    assert "hunter2" not in refusal(report_to="https://me:hunter2@r.example/")


# --- What kind of object it is -------------------------------------------------------------------------


def test_a_policy_is_a_value() -> None:
    csp = CSP(directives={"img-src": "self data:", "font-src": ["self"]}, strict=True, report_to="/r")
    same = CSP(
        directives={"font-src": ("'self'",), "img-src": ["'self'", "data:"]}, strict=True, report_to="/r"
    )
    assert csp == same
    assert hash(csp) == hash(same)
    assert CSP(directives={"img-src": "none none"}) == CSP(directives={"img-src": ["'NONE'"]})
    assert csp != replace(csp, strict=False)
    assert csp != replace(csp, directives={"img-src": "self"})
    assert replace(csp) == csp
    directives(csp)  # what is remembered makes no difference
    for copy in (pickle.loads(pickle.dumps(csp)), deepcopy(csp)):  # noqa: S301
        assert copy == csp
        assert hash(copy) == hash(csp)
        assert directives(copy) == directives(csp)
    assert len(pickle.dumps(csp)) == len(pickle.dumps(replace(csp)))
    assert asdict(csp)["directives"] == {"img-src": ("'self'", "data:"), "font-src": ("'self'",)}
    assert repr(CSP(directives={"img-src": "self"})) == (
        "CSP(directives={'img-src': [\"'self'\"]}, strict=False, report_only=False, report_to=None)"
    )


def test_a_policy_never_changes() -> None:
    given = {"img-src": ["data:"]}
    csp = CSP(directives=given)
    given["img-src"].append("*")
    given["font-src"] = ["*"]
    assert csp.directives == {"img-src": ("data:",)}
    assert len(csp.directives) == 1
    with pytest.raises(FrozenInstanceError):
        csp.strict = True  # type: ignore[misc]
    with pytest.raises(TypeError):
        csp.directives["img-src"] = "*"  # type: ignore[index]
