"""{% load freight %}."""

from typing import Any

from django import template
from django.urls import reverse

register = template.Library()


@register.inclusion_tag("parts/nav_link.html", takes_context=True)
def nav_link(context: dict[str, Any], name: str, text: str) -> dict[str, Any]:
    """A link to the view of that name, marked where it is the page itself."""
    path = reverse(name)
    return {"path": path, "text": text, "is_current": context["request"].path == path}
