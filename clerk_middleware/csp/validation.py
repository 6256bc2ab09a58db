"""The checks of `CSP`. Each message says what is wrong, in which directive, and what to write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from ..validation import shown, wrong
from .directives import FLAGS, KNOWN, NONE, STRICT_DYNAMIC, UNSAFE_INLINE
from .policy import names_single_ones

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..errors import ConfigurationError

OPTION: Final = "content_security_policy"
_KEYWORDS: Final = (
    "inline-speculation-rules",
    "none",
    "report-sample",
    "report-sha256",
    "report-sha384",
    "report-sha512",
    "self",
    "strict-dynamic",
    "trusted-types-eval",
    "unsafe-eval",
    "unsafe-hashes",
    "unsafe-inline",
    "wasm-unsafe-eval",
)
_SCHEMES: Final = ("about", "blob", "data", "filesystem", "http", "https", "mediastream", "ws", "wss")
_SCRIPTS: Final = ("script-src", "script-src-elem", "script-src-attr")
_STYLES: Final = ("style-src", "style-src-elem")

# Texts, which `re` compiles when they are first used: a policy is checked once.
_HASH: Final = r"(?i:sha(?:256|384|512))-[A-Za-z0-9+/_-]+={0,2}"
_SCHEME: Final = r"[A-Za-z][A-Za-z0-9+.-]*:"
_LABEL: Final = r"[A-Za-z0-9_-]+"
_HOST: Final = (
    rf"(?:{_SCHEME}//)?(?:\*|(?:\*\.)?{_LABEL}(?:\.{_LABEL})*)(?::(?:[0-9]{{1,5}}|\*))?"
    r"(?:/[A-Za-z0-9._~!$&'()*+=:@%/-]*)?"
)
_URL_CHARACTERS: Final = r"[A-Za-z0-9._~!$&'()*+=:@%/?\[\]-]*"
_REPORT_TO: Final = (
    r"(?i:https://[a-z0-9._-]+|http://(?:localhost|127\.[0-9.]+|\[::1\]))(?::[0-9]{1,5})?"
    rf"(?:[/?]{_URL_CHARACTERS})?|/(?!/){_URL_CHARACTERS}"
)
#: The values of directives that hold no sources: what they look like, the keywords among them, an example.
_OTHER_VALUES: Final[dict[str, tuple[str, tuple[str, ...], str]]] = {
    "require-trusted-types-for": ("", ("script",), "'script'"),
    "sandbox": (r"allow-[a-z-]+", (), "allow-scripts"),
    "trusted-types": (r"\*|[A-Za-z0-9#=_/@.%-]+", ("allow-duplicates", "none"), "dompurify"),
}


class Directives(Mapping[str, tuple[str, ...]]):
    """Directives and their values, as they go out; never changed."""

    def __init__(self, values: dict[str, tuple[str, ...]]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> tuple[str, ...]:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return repr({name: list(values) for name, values in self._values.items()})


def directives(given: object, strict: bool) -> Directives:
    if not isinstance(given, Mapping):
        raise _wrong(
            "directives must be a dict of directives and their sources, such as "
            f'{{"img-src": ["https://images.example.com"]}}, but is of type {type(given).__name__}.'
        )
    values: dict[str, tuple[str, ...]] = {}
    for key, value in given.items():
        name = _name(key)
        if name in values:
            raise _wrong(f"directives has {name!r} twice: write all of its sources in one list.")
        values[name] = _values(name, value)
    for name in _SCRIPTS:
        _check_scripts(name, values.get(name, ()), strict)
    for name in _STYLES:
        if not strict and names_single_ones(values.get(name, ())):
            raise _wrong(
                f"the hash in {name!r} makes browsers ignore 'unsafe-inline', which the styles of Clerk's "
                "components need: leave it out, or write CSP(strict=True), where these have the nonce."
            )
    return Directives(values)


def flag(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise _wrong(f"{name} must be True or False, but is {shown(value)}.")


def report_to(value: object) -> None:
    if value is None or (isinstance(value, str) and re.fullmatch(_REPORT_TO, value)):
        return
    raise _wrong(
        f"report_to is {shown(value)}: it must be a URL that starts with 'https://', or a path of this "
        "application such as '/csp-reports'. Percent-encode spaces, quotes, ',' and ';' in it."
    )


def _wrong(problem: str) -> ConfigurationError:
    return wrong(OPTION, problem)


def _name(key: object) -> str:
    name = key.lower() if isinstance(key, str) else ""
    if name in ("report-uri", "report-to"):
        raise _wrong(
            f"directives has {name!r}: write CSP(report_to='https://...') in its place, which also sends the "
            "header that it needs."
        )
    if name not in KNOWN:
        guess = _did_you_mean(str(key).lower(), KNOWN)
        raise _wrong(f"directives has {shown(key)}, which is no directive.{guess}")
    return name


def _values(name: str, given: Any) -> tuple[str, ...]:
    if name in FLAGS:
        if given in ("", [], ()):
            return ()
        raise _wrong(f"{name!r} takes no value, but has {shown(given)}: write [].")
    if not isinstance(given, Iterable) or isinstance(given, (bytes, Mapping)):
        raise _wrong(f"{name!r} must be a list of texts, or a text, but is of type {type(given).__name__}.")
    values = tuple(dict.fromkeys(_value(name, item) for item in _split(given)))
    if not values and name != "sandbox":
        raise _wrong(f"{name!r} is empty: write ['none'], or leave it out.")
    if NONE in values and len(values) > 1:
        raise _wrong(f"{name!r} has 'none' and others: browsers ignore it there. Write one or the other.")
    return values


def _split(given: Iterable[object]) -> Iterable[object]:
    return given.split() if isinstance(given, str) else given


def _value(name: str, item: object) -> str:
    """One source, or another value, with the quotes that it needs."""
    if not isinstance(item, str):
        raise _wrong(f"{name!r} must hold texts only, but holds one of type {type(item).__name__}.")
    if not re.fullmatch(r"[!-+\--:<-~]+", item):  # visible ASCII without "," and ";"
        raise _wrong(
            f"{name!r} holds {shown(item)}: each source is a text of its own, without spaces, ',', ';' and "
            "characters that are not ASCII (percent-encode those in a path; a host has an xn-- form)."
        )
    if name in _OTHER_VALUES:
        form, keywords, example = _OTHER_VALUES[name]
        if (word := _unquoted(item).lower()) in keywords:
            return f"'{word}'"
        if re.fullmatch(form, item):
            return item
        raise _wrong(
            f"{name!r} holds {shown(item)}, which means nothing there: write {example!r}, for example."
        )
    return _source(name, item)


def _source(name: str, item: str) -> str:
    word = _unquoted(item)
    keyword = word.lower()
    if keyword in _KEYWORDS:
        return f"'{keyword}'"
    if re.fullmatch(_HASH, word):
        return f"'{word}'"
    if keyword.startswith("nonce-"):
        raise _wrong(
            f"{name!r} holds a nonce, which would be the same in each response: write CSP(strict=True), "
            "which makes one for each."
        )
    if keyword in _SCHEMES and "'" not in item:
        raise _wrong(f"{name!r} holds {shown(item)}, which would be a host's name: write '{keyword}:'.")
    guess = "" if re.search(r"[.:/*]", item) else _did_you_mean(keyword, _KEYWORDS)
    if not guess and re.fullmatch(rf"{_SCHEME}|{_HOST}", item):
        return item
    raise _wrong(
        f"{name!r} holds {shown(item)}, which is no source.{guess} Sources are such as 'self', 'data:', "
        "'https://cdn.example.com' and '*.example.com', and have no query."
    )


def _unquoted(item: str) -> str:
    return item[1:-1] if len(item) > 2 and item[0] == item[-1] == "'" else item


def _check_scripts(name: str, sources: tuple[str, ...], strict: bool) -> None:
    if strict and UNSAFE_INLINE in sources:
        raise _wrong(
            f"{name!r} has 'unsafe-inline', which strict=True is there to do without: give each inline "
            "script the nonce, and take event handlers such as onclick out of the HTML."
        )
    if not strict and STRICT_DYNAMIC in sources and not names_single_ones(sources):
        raise _wrong(
            f"{name!r} has 'strict-dynamic' without a nonce or hash, so that browsers would load no script: "
            "write CSP(strict=True), which adds it with a nonce."
        )


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, sorted(known), 1, 0.75)
    return f" Did you mean {close[0]!r}?" if close else ""
