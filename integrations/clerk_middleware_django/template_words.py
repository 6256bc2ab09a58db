"""Which of this package's words a project's templates use, for its system checks."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import django
from django.template import engines
from django.template.backends.django import DjangoTemplates
from django.template.base import Lexer, TokenType

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGN_IN, SIGN_UP, SIGN_OUT = "clerk_sign_in_url", "clerk_sign_up_url", "clerk_sign_out_url"
IDENTITY, NONCE = "clerk_auth", "csp_nonce"

_TAGS = {SIGN_IN, SIGN_UP, SIGN_OUT}
_MAX_SIZE = 512 * 1024
_DJANGO = str(Path(django.__file__).parent)
_NOT_TEMPLATES = {"node_modules", "__pycache__"}


class TemplateWords:
    """Reads each file at most once, whichever engines have its directory."""

    def __init__(self) -> None:
        self._of_file: dict[str, frozenset[str]] = {}

    def first_uses(self, engine: DjangoTemplates) -> dict[str, str]:
        """The words that an engine's templates use, each with the file where it was found first."""
        uses: dict[str, str] = {}
        for path in _files(engine):
            for word in self._words(path):
                uses.setdefault(word, path)
        return uses

    def _words(self, path: str) -> frozenset[str]:
        known = os.path.realpath(path)
        if known not in self._of_file:
            self._of_file[known] = frozenset(_words_of(_read(known)))
        return self._of_file[known]


def django_engines() -> list[DjangoTemplates]:
    """Those of ``settings.TEMPLATES``; none where Django itself has to say what is wrong with these."""
    with suppress(Exception):
        return [engine for engine in engines.all() if isinstance(engine, DjangoTemplates)]
    return []


def _files(engine: DjangoTemplates) -> Iterator[str]:
    directories: dict[str, None] = {}
    with suppress(Exception):
        for loader in engine.engine.template_loaders:
            get_dirs = getattr(loader, "get_dirs", tuple)  # as Django's autoreloader finds them
            directories |= dict.fromkeys(os.fspath(directory) for directory in get_dirs())
    for directory in directories:
        if directory.startswith(_DJANGO):
            continue
        for folder, below, names in os.walk(directory):
            below[:] = sorted(name for name in below if not (name.startswith(".") or name in _NOT_TEMPLATES))
            yield from (os.path.join(folder, name) for name in sorted(names))


def _read(path: str) -> str:
    """The beginning of a file; nothing where it can't be read, or is none, as a pipe, which would block."""
    with suppress(OSError, ValueError):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                return file.read(_MAX_SIZE).decode("utf-8", "replace")
    return ""


def _words_of(text: str) -> Iterator[str]:
    if "clerk_" not in text and NONCE not in text:
        return
    is_comment = False
    for token in Lexer(text).tokenize():
        if token.token_type not in (TokenType.BLOCK, TokenType.VAR):
            continue
        first = token.contents.partition(" ")[0]
        if token.token_type is TokenType.BLOCK and first in ("comment", "endcomment"):
            is_comment = first == "comment"
        elif not is_comment:
            if token.token_type is TokenType.BLOCK and first in _TAGS:
                yield first
            yield from (word for word in (IDENTITY, NONCE) if re.search(rf"\b{word}\b", token.contents))
