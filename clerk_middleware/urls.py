"""URLs as browsers read them, as far as the engine needs it (https://url.spec.whatwg.org)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

_DEFAULT_PORTS = {"http": "80", "https": "443"}
_HOST = re.compile(r"([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?")
#: Left as they are where a path or query is not pure ASCII, or has white space.
_SAFE = "/%:@!$&'()*+,;=-._~?[]|^{}`\\\""


class URL(NamedTuple):
    """An absolute http or https URL, its host in lower case and without a default port."""

    scheme: str
    host: str
    path: str
    query: str = ""
    fragment: str = ""

    def __str__(self) -> str:
        text = f"{self.scheme}://{self.host}{self.path}"
        if self.query:
            text += f"?{self.query}"
        return f"{text}#{self.fragment}" if self.fragment else text

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}"

    @property
    def hostname(self) -> str:
        """The host without its port."""
        name, colon, port = self.host.rpartition(":")
        return name if colon and port.isdigit() else self.host

    def param(self, name: str) -> str | None:
        """The first value of a query parameter."""
        if name not in self.query and "%" not in self.query:  # a cheap no, for nearly every request
            return None
        return next((value for key, value in self.params() if key == name), None)

    def params(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    def without_params(self, names: Collection[str]) -> URL:
        if not self.query:
            return self
        return self._replace(query=urlencode([pair for pair in self.params() if pair[0] not in names]))

    def add_param(self, name: str, value: str) -> URL:
        return self._replace(query=urlencode([*self.params(), (name, value)]))

    def set_param(self, name: str, value: str) -> URL:
        """Give a parameter this one value, where it stood or else at the end."""
        params, seen = [], False
        for key, old in self.params():
            if key != name:
                params.append((key, old))
            elif not seen:
                params.append((name, value))
                seen = True
        if not seen:
            params.append((name, value))
        return self._replace(query=urlencode(params))


def parse_url(text: str, base: URL | None = None) -> URL | None:
    """Parse an absolute http or https URL, or resolve *text* against *base*; `None` if it is none."""
    text = text.strip(" \t\r\n\f").translate(_DROPPED)
    # Browsers read a backslash as a slash: "https://a.example\\@b.example" leads to the first.
    head = _BEFORE_QUERY.match(text)
    text = text[: head.end()].replace("\\", "/") + text[head.end() :] if head else text
    try:
        return _normalized(urlsplit(text if base is None else urljoin(str(base), text)))
    except ValueError:
        return None


def host_of(text: str) -> str | None:
    """*text* if it can be the host, with or without a port, of a URL."""
    return text if _HOST.fullmatch(text) else None


_BEFORE_QUERY = re.compile(r"[^?#]+")
_DROPPED = {ord(character): None for character in "\t\r\n"}


def _normalized(parts: SplitResult) -> URL | None:
    scheme = parts.scheme.lower()
    host = _HOST.fullmatch(parts.netloc.rpartition("@")[2])
    if scheme not in _DEFAULT_PORTS or host is None:
        return None
    name, port = host[1].lower(), host[2]
    if port and port != _DEFAULT_PORTS[scheme]:
        if int(port) > 65535:
            return None
        name = f"{name}:{int(port)}"
    return URL(scheme, name, _encoded(parts.path) or "/", _encoded(parts.query), _encoded(parts.fragment))


def _encoded(part: str) -> str:
    """Percent-encode what is not ASCII or not visible; escapes that are there stay."""
    return part if part.isascii() and part.isprintable() and " " not in part else quote(part, safe=_SAFE)
