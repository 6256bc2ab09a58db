"""What holds whatever policy an application sends (Hypothesis), read by CSP3's own rules."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from clerk_middleware.csp import CSP, ResponsePolicy
from clerk_middleware.response_headers import latin_1

few = settings(max_examples=400, derandomize=True, deadline=None, database=None)

API = "https://clerk.example.com"
CHALLENGES = "https://challenges.cloudflare.com"
SIGN_IN = "https://accounts.example.com"
IMAGES = "https://img.clerk.com"
HEADER = "Content-Security-Policy"

#: What decides on a kind of fetch: the first that there is (CSP3, 6.8.3).
FALLBACKS = {
    "child-src": ["child-src", "default-src"],
    "connect-src": ["connect-src", "default-src"],
    "default-src": ["default-src"],
    "fenced-frame-src": ["fenced-frame-src", "frame-src", "child-src", "default-src"],
    "font-src": ["font-src", "default-src"],
    "frame-src": ["frame-src", "child-src", "default-src"],
    "img-src": ["img-src", "default-src"],
    "manifest-src": ["manifest-src", "default-src"],
    "media-src": ["media-src", "default-src"],
    "object-src": ["object-src", "default-src"],
    "prefetch-src": ["prefetch-src", "default-src"],
    "script-src": ["script-src", "default-src"],
    "script-src-attr": ["script-src-attr", "script-src", "default-src"],
    "script-src-elem": ["script-src-elem", "script-src", "default-src"],
    "style-src": ["style-src", "default-src"],
    "style-src-attr": ["style-src-attr", "style-src", "default-src"],
    "style-src-elem": ["style-src-elem", "style-src", "default-src"],
    "worker-src": ["worker-src", "child-src", "script-src", "default-src"],
}
#: What a page with Clerk's components loads.
NEEDED = {
    "connect-src": [API],
    "frame-src": [CHALLENGES],
    "img-src": [IMAGES],
    "script-src-elem": [API, CHALLENGES],
    "style-src-elem": ["'unsafe-inline'"],
    "worker-src": ["'self'", "blob:"],
}

NAMES = [
    *FALLBACKS,
    "Script-Src",
    "IMG-SRC",
    "script_src",
    "frame-ancestors",
    "sandbox",
    "form-action",
    "report-uri",
    "upgrade-insecure-requests",
    "é",
    "",
]
SOURCES = [
    "'self'",
    "'none'",
    "'NONE'",
    "*",
    "https:",
    "HTTP:",
    "data:",
    "blob:",
    API,
    CHALLENGES.upper(),
    "https://a.example/Path",
    "'unsafe-inline'",
    "'unsafe-eval'",
    "'strict-dynamic'",
    "'nonce-AbC'",
    "'SHA256-abc='",
    "é",
    "\x0b",
]
DIRECTIVE = st.builds(
    lambda name, sources, space: space + space.join([name, *sources]) + space,
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(SOURCES), max_size=4),
    st.sampled_from([" ", "  ", "\t", "\t \x0c"]),
)
POLICY = st.lists(DIRECTIVE, max_size=8).map(";".join)
POLICIES = st.lists(POLICY, min_size=1, max_size=3).map(",".join)
GARBAGE = st.one_of(
    st.text(st.sampled_from("scriptd-eful 'one*:;,\t\"=\\/%\x00\x7fé"), max_size=80),
    st.text(max_size=40),
    st.builds(
        lambda policy, text, at: policy[:at] + text + policy[at:],
        POLICY,
        st.text(max_size=3),
        st.integers(0, 99),
    ),
)
HEADERS = st.lists(st.one_of(POLICIES, GARBAGE), min_size=1, max_size=3)
POLICY_OF_OURS = st.sampled_from(
    [
        CSP(),
        CSP(strict=True),
        CSP(strict=True, report_to="/r", directives={"img-src": "data:", "style-src": "sha256-abc="}),
        CSP(report_to="https://r.example/", directives={"default-src": "none", "script-src-elem": "self"}),
    ]
)

Parsed = dict[str, list[str]]


def parsed(policy: str) -> Parsed:
    """CSP3, 2.2.1."""
    found: Parsed = {}
    for token in policy.split(";"):
        words = re.split(r"[\t\n\f\r ]+", token.strip("\t\n\f\r "))
        if token.isascii() and words[0]:
            found.setdefault(words[0].lower(), words[1:])
    return found


def allowed(policy: Parsed, kind: str) -> set[str] | None:
    """The sources that something may be fetched from, `None` for all; ``'none'`` is no source."""
    sources = next((policy[name] for name in FALLBACKS[kind] if name in policy), None)
    if sources is None:
        return None
    return {
        source if re.match("'(nonce|sha)", source, re.IGNORECASE) else source.lower() for source in sources
    } - {"'none'"}


def inline_needs_nonce(sources: set[str]) -> bool:
    return any(re.match("'(nonce|sha)", source, re.IGNORECASE) for source in sources)


def is_covered(source: str, sources: set[str]) -> bool:
    return (
        source in sources
        or ("*" in sources and source not in ("'unsafe-inline'", "blob:"))
        or ("https:" in sources and source.startswith("https:"))
    )


def addable(kind: str, nonce: str) -> set[str]:
    of_scripts = {API, CHALLENGES, nonce}
    if kind.startswith("script-src"):
        return of_scripts
    if kind.startswith("style-src"):
        return {"'unsafe-inline'", nonce}
    if kind == "worker-src":  # of which scripts decide, unless something else does
        return {"'self'", "blob:"} | of_scripts
    if kind == "fenced-frame-src":  # of which frames decide
        return {CHALLENGES}
    return set(NEEDED.get(kind, ()))


def sent_for(policy: ResponsePolicy, own: list[str]) -> list[str]:
    sent = policy.headers(200, [(HEADER, value) for value in own], str)
    values = [value for name, value in sent if name == HEADER]
    assert len(values) == len(own)
    return values


@few
@given(HEADERS, POLICY_OF_OURS)
def test_no_policy_of_an_application_is_weakened_but_by_what_clerk_requires(own: list[str], csp: CSP) -> None:
    policy = ResponsePolicy(csp, API, "https://app.example.com", SIGN_IN)
    nonce = f"'nonce-{policy.nonce}'"
    before = [parsed(text) for value in own for text in value.split(",")]
    after = [parsed(text) for value in sent_for(policy, own) for text in value.split(",")]
    assert len(after) == len(before)
    is_restricted = any(name in FALLBACKS for one in before for name in one)
    for old, new in zip(before, after, strict=True):
        # What is not about fetches stays, word for word, but for what the answers to forms lead to.
        for name in old.keys() - FALLBACKS.keys():
            redirects = [API, SIGN_IN] if name == "form-action" else []
            kept = [source for source in new[name] if source not in redirects or source in old[name]]
            assert kept == [
                source for source in old[name] if new[name] == old[name] or source.lower() != "'none'"
            ]
            if name == "form-action" and {source.lower() for source in old[name]} <= {"'none'"}:
                assert new[name] == old[name]
        if is_restricted:
            assert new.keys() - old.keys() <= NEEDED.keys() | {
                "script-src",
                "style-src",
                "report-to",
                "report-uri",
            }
            check_amended(old, new, nonce)
    if not is_restricted:
        assert sum("default-src" in new for new in after) == 1


def check_amended(old: Parsed, new: Parsed, nonce: str) -> None:
    for kind in FALLBACKS:
        sources, amended = allowed(old, kind), allowed(new, kind)
        if sources is None:
            assert amended is None
            continue
        assert amended is not None
        assert sources <= amended
        assert amended - sources <= addable(kind, nonce), kind
        if kind == "default-src":
            assert amended == sources
        if (
            "'unsafe-inline'" in sources
            and not inline_needs_nonce(sources)
            and "'strict-dynamic'" not in sources
        ):
            assert not inline_needs_nonce(amended)  # the application's own inline scripts still run
    for kind, needed in NEEDED.items():
        now = allowed(new, kind)
        if now is None:
            continue
        if kind == "style-src-elem" and nonce in now:
            continue
        assert all(is_covered(source, now) for source in needed), kind
    scripts = allowed(new, "script-src-elem")
    if scripts is not None and nonce != "'nonce-None'":
        assert nonce in scripts or "'unsafe-inline'" in scripts


@few
@given(HEADERS, POLICY_OF_OURS)
def test_a_second_time_changes_nothing(own: list[str], csp: CSP) -> None:
    policy = ResponsePolicy(csp, API, "https://app.example.com", SIGN_IN)
    sent = policy.headers(200, [(HEADER, value) for value in own], str)
    assert policy.headers(200, sent, str) == sent


@few
@given(
    st.lists(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n")), max_size=3),
    st.lists(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n")), max_size=3),
    st.sampled_from([200, 304, 500]),
    POLICY_OF_OURS,
)
def test_what_is_sent_is_a_header(policies: list[str], endpoints: list[str], status: int, csp: CSP) -> None:
    own = [(HEADER, value) for value in policies] + [("Reporting-Endpoints", value) for value in endpoints]
    policy = ResponsePolicy(csp, API, "https://app.example.com", SIGN_IN)
    sent = policy.headers(status, own, str)
    in_bytes = policy.headers(status, [(latin_1(name), latin_1(value)) for name, value in own], latin_1)
    assert in_bytes == [(latin_1(name), latin_1(value)) for name, value in sent]
    for name, value in sent:
        assert not re.search(r"[\r\n]", name + value)


URL_LIKE = st.text(st.sampled_from("abA1.:/;,' \r\n*@-_?#~[]%é"), max_size=12)
ANY_API = st.one_of(
    URL_LIKE, st.builds("{}{}".format, st.sampled_from(["https://a.b", "http://", "a.b"]), URL_LIKE)
)


@few
@given(ANY_API, st.one_of(st.just("https://a.b"), URL_LIKE))
def test_no_frontend_api_or_origin_gets_more_into_a_policy_than_one_source(api: str, origin: str) -> None:
    [(_, text)] = ResponsePolicy(CSP(), api, origin).headers(200, [], str)
    [(_, usual)] = ResponsePolicy(CSP(), API, origin).headers(200, [], str)
    added = parsed(text)["script-src"][7:-1]
    assert len(added) <= 1
    for source in added:
        assert source != origin
        assert re.fullmatch(r"https?://[a-z0-9_.-]+(:[0-9]+)?", source)
    assert list(parsed(text)) == list(parsed(usual))
    assert text.isascii()
    assert text.isprintable()
