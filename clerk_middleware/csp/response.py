"""A response's headers, with the policy."""

from __future__ import annotations

import re
from functools import lru_cache
from secrets import token_urlsafe
from typing import TYPE_CHECKING, AnyStr, Final, Protocol

from ..urls import parse_url
from .directives import SELF, Places
from .own_policy import PLACE_OF_NONCE
from .policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Self

    from ..config import ClerkConfig
    from .options import CSP
    from .own_policy import OwnPolicy

_NONCE: Final = "x-nonce"
_ENDPOINTS: Final = "reporting-endpoints"
_NONCE_BYTES: Final = 18
_NOT_MODIFIED: Final = 304

_ORIGIN: Final = re.compile(r"https?://[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::[0-9]{1,5})?")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_OWN_ENDPOINT: Final = re.compile(r"(?:^|,)[ \t]*csp-endpoint[ \t]*(?:[=;,]|$)")


_KNOWN: Final[dict[str | bytes, str]] = {
    name: text
    for text in ("content-security-policy", "content-security-policy-report-only", _NONCE, _ENDPOINTS)
    for name in (text, text.encode())
}


class HeaderMapping(Protocol):
    """Headers of which there is one of each name, in any case, such as Django's."""

    def get(self, name: str, /) -> str | None: ...
    def __setitem__(self, name: str, value: str, /) -> None: ...
    def __delitem__(self, name: str, /) -> None: ...


class ResponsePolicy:
    """What one request's response gets.

    :param frontend_api: the Frontend API's host or URL, or the path of this application where it is proxied;
        nothing where it is not known.
    :param own_origin: this application's, as the request's URL has it. It is compared, and never sent.
    :param sign_in: the URL of the page to sign in on, or its path.
    """

    def __init__(
        self, csp: CSP, frontend_api: str | None, own_origin: str, sign_in: str | None = None
    ) -> None:
        self._csp = csp
        self._frontend_api = frontend_api
        self._sign_in = sign_in
        self._own_origin = own_origin
        self._nonces: list[str] = []

    @classmethod
    def of(cls, config: ClerkConfig, own_origin: str) -> Self | None:
        """The one that *config* says; `None` where it has no ``content_security_policy``."""
        csp, key = config.content_security_policy, config.parsed_publishable_key
        if csp is None:
            return None
        if key is None:
            return cls(csp, None, own_origin, config.sign_in_url)
        frontend_api = key.frontend_api_for(config.domain, config.is_satellite, config.proxy_url)
        return cls(csp, frontend_api, own_origin, config.sign_in_url or key.account_portal())

    @property
    def nonce(self) -> str | None:
        """What the page's scripts have in their ``nonce`` attribute; `None` unless the policy is strict."""
        if not self._csp.strict:
            return None
        if not self._nonces:
            self._nonces.append(token_urlsafe(_NONCE_BYTES))
        return self._nonces[0]  # the first, whichever thread made it

    def headers(
        self, status: int, headers: Iterable[tuple[AnyStr, AnyStr]], encode: Callable[[str], AnyStr]
    ) -> list[tuple[AnyStr, AnyStr]]:
        """An application's headers with the policy, the nonce and the endpoint for reports.

        A policy that is there is amended where it stands. To a 304 none is added: the page that the browser
        has kept came with one, and with the nonce that is in it.

        :param encode: makes what the protocol has: text (`str`) or bytes (`latin_1`).
        """
        header, is_kept_page = self._csp.header, status == _NOT_MODIFIED
        kept: list[tuple[AnyStr, AnyStr]] = []
        places: list[int] = []
        endpoints: list[str] = []
        for pair in headers:
            known = _KNOWN.get(pair[0].lower())
            if known == header:
                if is_kept_page and self._csp.strict:
                    continue  # it would replace the one with the page's nonce (RFC 9111, 3.2)
                places.append(len(kept))
            elif known == _NONCE and self._csp.strict:
                continue
            elif known == _ENDPOINTS and self._csp.report_to is not None and not is_kept_page:
                endpoints.append(_text(pair[1]))
                continue
            kept.append(pair)
        if places:
            amended = self._amended([_text(kept[place][1]) for place in places])
            for place, value in zip(places, amended, strict=True):
                kept[place] = kept[place][0], encode(value)
        if is_kept_page:
            return kept
        if not places:
            kept.append((encode(header), encode(self._own_text)))
        kept += [(encode(name), encode(value)) for name, value in self._companions(endpoints)]
        return kept

    def update(self, status: int, headers: HeaderMapping) -> None:
        """Do the same to headers of which there is one of each name."""
        names = (self._csp.header, _NONCE, _ENDPOINTS)
        present = {name: value for name in names if (value := headers.get(name)) is not None}
        wanted = dict(self.headers(status, present.items(), str))
        for name in present.keys() - wanted.keys():
            del headers[name]
        for name, value in wanted.items():
            if value != present.get(name):
                headers[name] = value

    @property
    def _own(self) -> OwnPolicy:
        own = self._own_origin
        return self._csp.own_policy(Places(source_of(self._frontend_api, own), source_of(self._sign_in, own)))

    @property
    def _own_text(self) -> str:
        return (self.nonce or "").join(self._own.pieces)

    def _amended(self, values: Sequence[str]) -> list[str]:
        """The application's policies, of which a header's value may hold several."""
        lines = [[Policy(text) for text in value.split(",")] for value in values]
        policies = [policy for line in lines for policy in line]
        own, nonce = self._own, self.nonce
        is_silent = not any(policy.restricts_fetches for policy in policies)
        for policy in policies:
            policy.amend(own.needs, None if nonce is None else f"'nonce-{nonce}'")
        if is_silent:
            # Said nothing about what may be loaded: then this library does.
            policy = next((policy for policy in policies if not policy.is_blank), policies[0])
            for name, text in own.directives.items():
                if name not in policy:
                    policy.write(name, text.replace(PLACE_OF_NONCE, nonce or ""))
        for policy in policies:
            if not (policy.is_blank or "report-uri" in policy or "report-to" in policy):
                for name, text in self._csp.reporting.items():
                    policy.write(name, text)
        return [",".join(map(str, line)) for line in lines]

    def _companions(self, endpoints: Iterable[str]) -> Iterator[tuple[str, str]]:
        if self._csp.report_to is not None:
            yield _ENDPOINTS, _with_endpoint(endpoints, self._csp.report_to)
        if self.nonce is not None:
            yield _NONCE, self.nonce


def source_of(place: str | None, own_origin: str) -> str | None:
    """The source that covers a host, URL or path: an origin, or this page's; `None` where neither is sure."""
    if not place:
        return None
    # First, without a look at the host: there are as many own origins as clients send Host headers.
    if f"{place}/".startswith(("/", f"{own_origin}/")):
        return SELF
    origin = _origin(place)
    return SELF if origin == own_origin else origin


@lru_cache(128)
def _origin(host_or_url: str) -> str | None:
    url = parse_url(host_or_url if "://" in host_or_url else f"https://{host_or_url}")
    # Whatever else it holds, nothing of it gets into a header.
    return url.origin if url is not None and _ORIGIN.fullmatch(url.origin) else None


def _with_endpoint(endpoints: Iterable[str], url: str) -> str:
    """``Reporting-Endpoints``, a dictionary (RFC 9651), with this library's member unless it has one."""
    values = [value for value in endpoints if value.strip()]
    text = ", ".join(values)
    if not _OWN_ENDPOINT.search(_QUOTED.sub("", text)):
        values.append(f'csp-endpoint="{url}"')
    return ", ".join(values)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
