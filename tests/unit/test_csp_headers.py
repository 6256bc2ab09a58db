"""The policy in a response's headers: ASGI's, WSGI's and Django's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from clerk_middleware.csp import CSP, ResponsePolicy
from clerk_middleware.response_headers import latin_1

Pairs = list[tuple[str, str]]

PLAIN = ("Content-Type", "text/html")
CHALLENGES = "https://challenges.cloudflare.com"
IMAGES = "https://img.clerk.com"
API = "https://clerk.example.com"
SIGN_IN = "https://accounts.example.com"
SCRIPTS = f"{API} {CHALLENGES}"
ENFORCED = "Content-Security-Policy"
REPORTED = "Content-Security-Policy-Report-Only"
#: What every page of Clerk's needs, where `default-src 'self'` is the whole policy.
ADDED_TO_SELF = (
    f"connect-src 'self' {API}; frame-src 'self' {CHALLENGES}; img-src 'self' https://img.clerk.com; "
    f"script-src 'self' {SCRIPTS}; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
)


def policy_of(csp: CSP | None = None) -> ResponsePolicy:
    return ResponsePolicy(csp or CSP(), "clerk.example.com", "https://app.example.com", SIGN_IN)


def as_text(policy: ResponsePolicy, own: Iterable[tuple[str, str]], status: int = 200) -> Pairs:
    """As WSGI has headers."""
    return policy.headers(status, own, str)


def as_bytes(policy: ResponsePolicy, own: Iterable[tuple[str, str]], status: int = 200) -> Pairs:
    """As ASGI has them."""
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in own]
    sent = policy.headers(status, pairs, latin_1)
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in sent]


class Mapping:
    """As Django has them: one of each name, in any case."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = {name.lower(): (name, value) for name, value in pairs}

    def get(self, name: str) -> str | None:
        return self._pairs[name.lower()][1] if name.lower() in self._pairs else None

    def __setitem__(self, name: str, value: str) -> None:
        self._pairs[name.lower()] = name, value

    def __delitem__(self, name: str) -> None:
        del self._pairs[name.lower()]

    def items(self) -> Pairs:
        return list(self._pairs.values())


def in_mapping(policy: ResponsePolicy, own: Iterable[tuple[str, str]], status: int = 200) -> Pairs:
    headers = Mapping(own)
    policy.update(status, headers)
    return headers.items()


Protocol = Callable[..., Pairs]


@pytest.fixture(params=[as_text, as_bytes, in_mapping])
def protocol(request: pytest.FixtureRequest) -> Protocol:
    made: Protocol = request.param
    return made


def lowered(headers: Pairs) -> Pairs:
    return [(name.lower(), value) for name, value in headers]


def merged(own: str | Sequence[str], csp: CSP | None = None) -> list[str]:
    """The policies of a response that has one or several; a nonce of ours is ``'nonce-…'``."""
    policy = policy_of(csp)
    header = REPORTED if csp is not None and csp.report_only else ENFORCED
    own = [own] if isinstance(own, str) else own
    sent = policy.headers(200, [(header, value) for value in own], str)
    assert [name for name, _ in sent[: len(own)]] == [header] * len(own)
    assert not [name for name, _ in sent[len(own) :] if name.startswith("content-security")]
    return [value.replace(policy.nonce or "\n", "…") for _, value in sent[: len(own)]]


OWN_TEXT = policy_of().headers(200, [], str)[0][1]
OWN_TEXT_WITHOUT_FORMS = OWN_TEXT.replace(f"form-action 'self' {API} {SIGN_IN}; ", "")


# --- Where the application sends no policy -------------------------------------------------------------


def test_the_policy_is_added(protocol: Protocol) -> None:
    other = (REPORTED, "default-src 'none'")  # is about another policy
    assert lowered(protocol(policy_of(), [PLAIN, other])) == [
        *lowered([PLAIN, other]),
        ("content-security-policy", OWN_TEXT),
    ]
    assert lowered(protocol(policy_of(CSP(report_only=True)), [(ENFORCED, "default-src 'none'")])) == [
        ("content-security-policy", "default-src 'none'"),
        ("content-security-policy-report-only", OWN_TEXT),
    ]


@pytest.mark.parametrize("status", [200, 204, 302, 401, 404, 500])
def test_it_comes_with_each_response(protocol: Protocol, status: int) -> None:
    assert lowered(protocol(policy_of(), [], status)) == [("content-security-policy", OWN_TEXT)]


def test_a_list_that_was_given_stays_as_it_is() -> None:
    own = [PLAIN, (ENFORCED, "default-src 'self'"), ("X-Nonce", "1")]
    as_text(policy_of(CSP(strict=True)), own)
    assert own == [PLAIN, (ENFORCED, "default-src 'self'"), ("X-Nonce", "1")]
    assert as_text(policy_of(), iter([PLAIN]))[0] == PLAIN


# --- The nonce -----------------------------------------------------------------------------------------


def test_a_nonce_is_the_requests_own_and_is_in_the_policy_and_beside_it(protocol: Protocol) -> None:
    csp, seen = CSP(strict=True), set()
    for _ in range(100):
        policy = policy_of(csp)
        sent = dict(lowered(protocol(policy, [PLAIN, ("X-Nonce", "the application's")])))
        nonce = policy.nonce
        assert nonce is not None
        assert re.fullmatch(r"[A-Za-z0-9_-]{22,}", nonce)  # 128 bits at least
        assert sent["x-nonce"] == nonce
        assert sent["content-security-policy"].count(f"'nonce-{nonce}'") == 1
        assert sent["content-security-policy"].count("'nonce-") == 1
        assert nonce not in repr(policy)
        seen.add(nonce)
    assert len(seen) == 100


def test_a_nonce_is_there_before_the_response_is() -> None:
    policy = policy_of(CSP(strict=True))
    nonce = policy.nonce
    assert dict(as_text(policy, []))["x-nonce"] == nonce == policy.nonce


def test_threads_that_ask_at_once_see_one_nonce() -> None:
    policy, barrier = policy_of(CSP(strict=True)), Barrier(8, timeout=10)

    def ask(_: int) -> str | None:
        barrier.wait()
        return policy.nonce

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {policy.nonce}


def test_there_is_no_nonce_unless_the_policy_is_strict(protocol: Protocol) -> None:
    policy = policy_of()
    assert policy.nonce is None
    sent = dict(lowered(protocol(policy, [("X-Nonce", "the application's")])))
    assert sent == {"x-nonce": "the application's", "content-security-policy": OWN_TEXT}


# --- A page that the browser has kept ------------------------------------------------------------------


def test_a_304_adds_nothing(protocol: Protocol) -> None:
    own = [("ETag", '"1"'), ("Reporting-Endpoints", 'a="/a"')]
    for csp in (CSP(), CSP(strict=True, report_to="/r")):
        assert lowered(protocol(policy_of(csp), own, 304)) == lowered(own)


def test_a_304_does_not_take_what_clerk_needs_from_the_page(protocol: Protocol) -> None:
    """Its headers take the place of those that the browser has kept."""
    own = [("ETag", '"1"'), (ENFORCED, "default-src 'self'")]
    page, kept = protocol(policy_of(), own), protocol(policy_of(), own, 304)
    assert kept == page
    assert kept != own


def test_a_304_leaves_the_page_its_nonce(protocol: Protocol) -> None:
    csp = CSP(strict=True)
    own = [("ETag", '"1"'), (ENFORCED, "default-src 'self'"), ("X-Nonce", "1"), (REPORTED, "img-src *")]
    assert protocol(policy_of(csp), own, 304) == [("ETag", '"1"'), (REPORTED, "img-src *")]


# --- Reports -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        ([], 'csp-endpoint="/r"'),
        ([" "], 'csp-endpoint="/r"'),
        (['a="/a"'], 'a="/a", csp-endpoint="/r"'),
        (['a="/a", csp-endpoints="/b"'], 'a="/a", csp-endpoints="/b", csp-endpoint="/r"'),
        (['a="/csp-endpoint=,csp-endpoint="'], 'a="/csp-endpoint=,csp-endpoint=", csp-endpoint="/r"'),
        ([r'a="\", csp-endpoint="'], r'a="\", csp-endpoint=", csp-endpoint="/r"'),
        (['a="/a",csp-endpoint="/own"'], 'a="/a",csp-endpoint="/own"'),
        (["not ; a = dictionary"], 'not ; a = dictionary, csp-endpoint="/r"'),
    ],
)
def test_endpoints_of_the_application_stay(protocol: Protocol, own: list[str], sent: str) -> None:
    headers = protocol(policy_of(CSP(report_to="/r")), [("Reporting-Endpoints", value) for value in own])
    assert [value for name, value in headers if name.lower() == "reporting-endpoints"] == [sent]


@pytest.mark.parametrize("protocol", [as_text, as_bytes])
def test_endpoints_of_several_headers_are_put_together(protocol: Protocol) -> None:
    own = [("Reporting-Endpoints", 'a="/a"'), PLAIN, ("reporting-endpoints", 'b="/b"')]
    sent = protocol(policy_of(CSP(report_to="/r")), own)
    assert sent[0] == PLAIN
    assert sent[2:] == [("reporting-endpoints", 'a="/a", b="/b", csp-endpoint="/r"')]
    assert protocol(policy_of(), own)[:3] == own  # nothing to add


def test_a_policy_of_the_application_that_reports_nowhere_reports() -> None:
    reports = "report-to csp-endpoint; report-uri /r"
    csp = CSP(report_to="/r")
    assert merged("object-src 'none';", csp) == [f"object-src 'none'; {reports}"]
    assert merged("frame-ancestors 'none'", csp) == [f"frame-ancestors 'none'; {OWN_TEXT}; {reports}"]
    for own in ("object-src 'none'; report-uri /own", "object-src 'none'; Report-To own"):
        assert merged(own, csp) == [own]
    assert merged("object-src 'none', font-src *; report-uri /own, ", csp) == [
        f"object-src 'none'; {reports}, font-src *; report-uri /own, "
    ]


OTHERS = (
    "require-trusted-types-for 'script'; trusted-types a; upgrade-insecure-requests; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


# --- Where the application sends a policy --------------------------------------------------------------


def test_a_policy_of_the_application_stays_where_it_is(protocol: Protocol) -> None:
    own = [("content-SECURITY-policy", "default-src 'self'"), PLAIN]
    assert lowered(protocol(policy_of(), own)) == [
        ("content-security-policy", f"default-src 'self'; {ADDED_TO_SELF}"),
        ("content-type", "text/html"),
    ]


def test_a_policy_that_needs_nothing_stays_as_it_is(protocol: Protocol) -> None:
    own = [(ENFORCED, "object-src 'none';"), PLAIN]
    assert protocol(policy_of(), own) == own


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        # What decides is added to, and nothing else.
        ("img-src 'self'", f"img-src 'self' {IMAGES}"),
        ("connect-src 'self' wss://a.example", f"connect-src 'self' wss://a.example {API}"),
        ("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
        ("frame-src 'self'", f"frame-src 'self' {CHALLENGES}"),
        ("worker-src 'self'", "worker-src 'self' blob:"),
        ("worker-src https://a.example", "worker-src https://a.example 'self' blob:"),
        ("font-src 'self'; object-src 'none'", "font-src 'self'; object-src 'none'"),
        # 'none' goes, and so does having no source at all, which means the same.
        ("img-src 'none'", f"img-src {IMAGES}"),
        ("img-src 'NONE'; media-src 'none'", f"img-src {IMAGES}; media-src 'none'"),
        ("img-src", f"img-src {IMAGES}"),
        ("img-src 'none' https://a.example", f"img-src https://a.example {IMAGES}"),
        # What forms may be answered by, unless there can be none; no fallback decides on it.
        ("font-src *; form-action 'self'", f"font-src *; form-action 'self' {API} {SIGN_IN}"),
        ("font-src *; form-action *", "font-src *; form-action *"),
        ("font-src *; form-action 'none'", "font-src *; form-action 'none'"),
        ("font-src *; form-action", "font-src *; form-action"),
        # What there is stays as it is written.
        ("IMG-src   'self'  https://IMG.clerk.com ;", "IMG-src   'self'  https://IMG.clerk.com ;"),
        ("font-src a.example;; IMG-SRC\ta.example ;", f"font-src a.example;; img-src a.example {IMAGES};"),
        # Covered by a wider source.
        ("img-src *", "img-src *"),
        ("img-src https:", "img-src https:"),
        ("img-src http:", f"img-src http: {IMAGES}"),
        ("connect-src * data:; frame-src HTTPS:", "connect-src * data:; frame-src HTTPS:"),
        ("style-src *", "style-src * 'unsafe-inline'"),
        ("worker-src *", "worker-src * blob:"),
        ("worker-src https: blob:", "worker-src https: blob: 'self'"),
        # Fallbacks, which are copied, because they decide on other things.
        ("default-src 'self'", f"default-src 'self'; {ADDED_TO_SELF}"),
        ("default-src 'self';", f"default-src 'self'; {ADDED_TO_SELF}"),
        ("default-src 'self'; ; ", f"default-src 'self'; {ADDED_TO_SELF}"),
        (
            "default-src 'none'",
            f"default-src 'none'; connect-src {API}; frame-src {CHALLENGES}; img-src {IMAGES}; "
            f"script-src {SCRIPTS}; style-src 'unsafe-inline'; worker-src 'self' blob:",
        ),
        (
            "child-src a.example",
            f"child-src a.example; frame-src a.example {CHALLENGES}; worker-src a.example 'self' blob:",
        ),
        (
            "child-src a.example; frame-src b.example; worker-src *",
            f"child-src a.example; frame-src b.example {CHALLENGES}; worker-src * blob:",
        ),
        (
            "script-src a.example",
            f"script-src a.example {SCRIPTS}; worker-src a.example 'self' blob:",
        ),
        ("script-src-elem a.example", f"script-src-elem a.example {SCRIPTS}"),
        (
            "script-src a.example; script-src-elem b.example; child-src blob: 'self'",
            f"script-src a.example; script-src-elem b.example {SCRIPTS}; child-src blob: 'self'; "
            f"frame-src blob: 'self' {CHALLENGES}",
        ),
        ("script-src-attr 'none'", "script-src-attr 'none'"),
        ("style-src-elem 'self'; style-src *", "style-src-elem 'self' 'unsafe-inline'; style-src *"),
        ("style-src-attr 'none'", "style-src-attr 'none'"),
        # The first of a name counts.
        ("img-src a.example; img-src *", f"img-src a.example {IMAGES}; img-src *"),
        # What browsers can't read is none: not ASCII, or white space that is none of theirs.
        ("img-src é; img-src a.example", f"img-src é; img-src a.example {IMAGES}"),
        ("img-src\x0b*; img-src b.example", f"img-src\x0b*; img-src b.example {IMAGES}"),
        ("img-src: a.example; img-src b.example", f"img-src: a.example; img-src b.example {IMAGES}"),
        # What is about something else stays.
        (
            f"sandbox allow-scripts; img-src a.example; {OTHERS}",
            f"sandbox allow-scripts; img-src a.example {IMAGES}; {OTHERS}",
        ),
        # Several policies of one header.
        ("img-src a.example,img-src b.example", f"img-src a.example {IMAGES},img-src b.example {IMAGES}"),
        ("frame-ancestors 'none', img-src b.example", f"frame-ancestors 'none', img-src b.example {IMAGES}"),
        (",, img-src *", ",, img-src *"),
    ],
)  # fmt: skip
def test_only_what_clerk_requires_is_added_to_a_policy_of_the_application(own: str, sent: str) -> None:
    assert merged(own) == [sent]
    assert merged(sent) == [sent]
    assert merged(own, CSP(report_only=True)) == [sent]
    assert merged(own, CSP(directives={"script-src": "unsafe-eval", "media-src": "*"})) == [sent]


def test_several_policies_stay_several() -> None:
    assert merged(["img-src a.example", "sandbox", "default-src 'self', font-src *"]) == [
        f"img-src a.example {IMAGES}",
        "sandbox",
        f"default-src 'self'; {ADDED_TO_SELF}, font-src *",
    ]


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        ([""], [OWN_TEXT]),
        ([" ; , "], [f"{OWN_TEXT}, "]),
        (["é"], [f"é; {OWN_TEXT}"]),
        (["frame-ancestors 'none'"], [f"frame-ancestors 'none'; {OWN_TEXT}"]),
        (
            ["frame-ancestors 'none'", "form-action 'self'"],
            [f"frame-ancestors 'none'; {OWN_TEXT}", f"form-action 'self' {API} {SIGN_IN}"],
        ),
        (
            ["form-action a.example"],
            [f"form-action a.example {API} {SIGN_IN}; {OWN_TEXT_WITHOUT_FORMS}"],
        ),
        (["gibberish", "sandbox"], [f"gibberish; {OWN_TEXT}", "sandbox"]),
        (["", "sandbox, base-uri 'none';"], ["", f"sandbox; {OWN_TEXT}, base-uri 'none';"]),
        (
            ["Form-Action 'none'; upgrade-insecure-requests"],
            ["Form-Action 'none'; upgrade-insecure-requests; " + OWN_TEXT_WITHOUT_FORMS],
        ),
    ],
)
def test_a_policy_that_restricts_no_fetch_is_put_together_with_this_one(
    own: list[str], sent: list[str]
) -> None:
    assert merged(own) == sent
    assert merged(sent) == sent


def test_the_frontend_api_is_covered_by_self_where_it_is_proxied() -> None:
    policy = ResponsePolicy(CSP(), "/__clerk", "https://app.example.com", "/sign-in")
    own = [(ENFORCED, "connect-src a.example; script-src 'self'; worker-src * blob:; form-action a.example")]
    assert policy.headers(200, own, str) == [
        (
            ENFORCED,
            f"connect-src a.example 'self'; script-src 'self' {CHALLENGES}; worker-src * blob:; "
            "form-action a.example",  # so that none is sent to this site, whose answer would redirect
        )
    ]


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        ("script-src data:; worker-src *", f"script-src data: {SCRIPTS} 'nonce-…'; worker-src * blob:"),
        ("script-src 'none'; worker-src *", f"script-src {SCRIPTS} 'nonce-…'; worker-src * blob:"),
        ("script-src *; worker-src *", "script-src * 'nonce-…'; worker-src * blob:"),
        ("script-src-elem 'self'", f"script-src-elem 'self' {SCRIPTS} 'nonce-…'"),
        (
            "script-src-elem 'self'; script-src 'self' blob:",
            f"script-src-elem 'self' {SCRIPTS} 'nonce-…'; script-src 'self' blob:",
        ),
        (
            "default-src 'self'",
            f"default-src 'self'; {ADDED_TO_SELF}".replace(SCRIPTS, f"{SCRIPTS} 'nonce-…'"),
        ),
        # Beside nonces and hashes, styles need the nonce.
        ("style-src 'self' 'nonce-abc'", "style-src 'self' 'nonce-abc' 'nonce-…'"),
        ("style-src 'SHA256-abc='", "style-src 'SHA256-abc=' 'nonce-…'"),
        ("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
        # Inline scripts that run already: none without a nonce would any more.
        (
            "script-src 'self' blob: 'unsafe-inline'",
            f"script-src 'self' blob: 'unsafe-inline' {SCRIPTS}",
        ),
        (
            "script-src https: blob: 'self' 'unsafe-inline' 'nonce-abc'",
            "script-src https: blob: 'self' 'unsafe-inline' 'nonce-abc' 'nonce-…'",
        ),
        (
            "script-src https: blob: 'self' 'UNSAFE-inline' 'Strict-Dynamic'",
            "script-src https: blob: 'self' 'UNSAFE-inline' 'Strict-Dynamic' 'nonce-…'",
        ),
        # Nothing restricts scripts: the nonce is for nobody.
        ("object-src 'none'", "object-src 'none'"),
    ],
)  # fmt: skip
def test_a_policy_of_the_application_gets_the_nonce(own: str, sent: str) -> None:
    assert merged(own, CSP(strict=True)) == [sent]


def test_a_strict_policy_put_together_with_another_has_the_nonce_once() -> None:
    [sent] = merged("frame-ancestors 'none'; base-uri 'self'", CSP(strict=True))
    assert sent.startswith("frame-ancestors 'none'; base-uri 'self'; connect-src ")
    assert sent.count("'nonce-…' 'strict-dynamic'") == sent.count("nonce") == 1
    assert sent.count("base-uri") == 1


def test_another_middleware_of_the_same_request_adds_nothing(protocol: Protocol) -> None:
    for csp in (CSP(), CSP(strict=True, report_to="/r", directives={"style-src": "sha256-abc="})):
        for own in ([PLAIN], [(ENFORCED, "default-src 'self'")], [(ENFORCED, "sandbox")]):
            policy = policy_of(csp)
            once = protocol(policy, own)
            assert sorted(protocol(policy, once)) == sorted(once)


def test_bytes_that_are_no_text_go_out_as_they_came() -> None:
    """What is wrong with them is the server's to say."""
    own = [(b"X-\xff", b"\xfe\x00"), (b"Content-Security-Policy", b"font-src \xff; img-src a.example")]
    sent = policy_of(CSP(report_to="/r")).headers(200, [*own, (b"Reporting-Endpoints", b'"\xff"')], latin_1)
    assert sent[0] == own[0]
    assert sent[1][1].startswith(b"font-src \xff; img-src a.example https://img.clerk.com; report-to")
    assert sent[2] == (b"reporting-endpoints", b'"\xff", csp-endpoint="/r"')
