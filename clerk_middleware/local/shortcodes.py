"""Shortcodes: the ``{{user.first_name}}`` in custom session claims and in JWT templates.

Follows https://clerk.com/docs/guides/sessions/jwt-templates: a string that is one shortcode takes
the value's own type, a shortcode inside a longer string is interpolated as text, ``||`` gives the
first operand that is neither null nor false, and what does not exist is null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["resolve"]

_SHORTCODE = re.compile(r"\{\{(?P<expression>[^{}]*)\}\}")
_OPERAND = re.compile(r"\s*(?P<operand>'[^']*'|[^|']+?)\s*(?:\|\||$)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def resolve(template: Any, context: Mapping[str, Any]) -> Any:
    """`template` with its shortcodes replaced by what `context` holds; lists and tables are walked."""
    if isinstance(template, Mapping):
        return {name: resolve(value, context) for name, value in template.items()}
    if isinstance(template, list | tuple):
        return [resolve(value, context) for value in template]
    if not isinstance(template, str):
        return template
    if whole := _SHORTCODE.fullmatch(template):
        return _evaluate(whole["expression"], context)
    return _SHORTCODE.sub(lambda match: _text(_evaluate(match["expression"], context)), template)


def _evaluate(expression: str, context: Mapping[str, Any]) -> Any:
    value = None
    for match in _OPERAND.finditer(expression):
        value = _operand(match["operand"], context)
        if value is not None and value is not False:
            break
    return value


def _operand(operand: str, context: Mapping[str, Any]) -> Any:
    if operand.startswith("'"):
        return operand[1:-1]
    if _NUMBER.fullmatch(operand):
        return float(operand) if "." in operand else int(operand)
    if operand in ("true", "false"):
        return operand == "true"
    value: Any = context
    for name in operand.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
