"""`webhooks.on`: which functions handle which events, and what is told apart from a mistake."""

from __future__ import annotations

import ast
import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any

import pytest

from clerk_middleware import ConfigurationError
from clerk_middleware.webhooks import WebhookReceiver, subscriptions
from clerk_middleware.webhooks.events import KNOWN_TYPES

from ..webhook_messages import SECRET, an_event, signed

#: Of the application that this library's demos are drawn after, and of Clerk's page on billing.
SUBSCRIBED = [
    "email.created",
    "organization.created",
    "organization.deleted",
    "organization.updated",
    "organizationDomain.created",
    "organizationDomain.deleted",
    "organizationDomain.updated",
    "organizationInvitation.accepted",
    "organizationInvitation.created",
    "organizationInvitation.revoked",
    "organizationMembership.created",
    "organizationMembership.deleted",
    "organizationMembership.updated",
    "permission.created",
    "permission.deleted",
    "permission.updated",
    "role.created",
    "role.deleted",
    "role.updated",
    "session.created",
    "session.ended",
    "session.pending",
    "session.removed",
    "session.revoked",
    "user.created",
    "user.deleted",
    "user.updated",
    "subscription.created",
    "subscription.updated",
    "subscription.active",
    "subscription.pastDue",
    "subscriptionItem.updated",
    "subscriptionItem.active",
    "subscriptionItem.canceled",
    "subscriptionItem.upcoming",
    "subscriptionItem.ended",
    "subscriptionItem.abandoned",
    "subscriptionItem.incomplete",
    "subscriptionItem.pastDue",
    "subscriptionItem.freeTrialEnding",
    "paymentAttempt.created",
    "paymentAttempt.updated",
]


@pytest.fixture
def webhooks() -> WebhookReceiver:
    return WebhookReceiver(SECRET)


@pytest.fixture
def handled_by(webhooks: WebhookReceiver) -> Callable[..., list[str]]:
    """Register a handler for each of some patterns, and tell which of them handle an event."""

    def handlers(event_type: str, *patterns: str) -> list[str]:
        called: list[str] = []
        for pattern in patterns:
            webhooks.on(pattern)(functools.partial(_note, called, pattern))
        body = an_event(event_type)
        assert webhooks.handle(body, signed(body)).status == 204
        return called

    return handlers


def _note(called: list[str], pattern: str, event: Any) -> None:
    called.append(pattern)


class TestAPattern:
    def test_is_a_type_a_kind_or_everything(self, handled_by: Any) -> None:
        patterns = ["user.created", "user.updated", "user.*", "*", "session.*", "users.*", "User.created"]
        assert handled_by("user.created", *patterns) == ["user.created", "user.*", "*"]

    @pytest.mark.parametrize(
        "other", ["user", "user.", "user.created.", "userx.created", ".user.created", "user.c"]
    )
    def test_is_compared_as_a_whole(self, other: str, handled_by: Any) -> None:
        assert handled_by(other, "user.created") == []

    def test_of_a_kind_is_for_what_is_of_it(self, handled_by: Any) -> None:
        assert handled_by("subscriptionItem.active", "subscription.*", "subscriptionItem.*") == [
            "subscriptionItem.*"
        ]

    def test_may_be_of_an_event_that_is_not_known(self, handled_by: Any, caplog: Any) -> None:
        assert handled_by("fleet.departed", "fleet.departed", "fleet.*") == ["fleet.departed", "fleet.*"]
        assert not caplog.records

    @pytest.mark.parametrize(
        "pattern", ["", " ", "user created", "u*", "**", "*.created", "user.*.x", ".*.*", "a\n"]
    )
    def test_is_not_anything(self, pattern: str, webhooks: WebhookReceiver) -> None:
        with pytest.raises(ConfigurationError, match="a pattern is an event's type, such as"):
            webhooks.on(pattern)

    @pytest.mark.parametrize("pattern", [None, 1, b"user.created", ["user.created"], ("user.created",)])
    def test_is_text(self, pattern: Any, webhooks: WebhookReceiver) -> None:
        with pytest.raises(ConfigurationError, match=f"something of type {type(pattern).__name__}"):
            webhooks.on("user.updated", pattern)

    def test_is_given(self, webhooks: WebhookReceiver) -> None:
        with pytest.raises(ConfigurationError, match=r"needs the type of an event, as in @webhooks\.on"):
            webhooks.on()
        on: Any = webhooks.on
        with pytest.raises(ConfigurationError, match="on is not called with the type of an event"):

            @on
            def handler(event: Any) -> None: ...


class TestASpelling:
    @pytest.mark.parametrize(
        ("pattern", "meant"),
        [
            ("user.create", "user.created"),
            ("users.created", "user.created"),
            ("USER.CREATED", "user.created"),
            ("subscriptionItem.past_due", "subscriptionItem.pastDue"),
            ("subscription_item.pastdue", "subscriptionItem.pastDue"),
            ("organization_membership.created", "organizationMembership.created"),
            ("users.*", "user.*"),
            ("organisation.*", "organization.*"),
        ],
    )
    def test_that_is_almost_right_is_pointed_out(
        self, pattern: str, meant: str, webhooks: WebhookReceiver, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING):
            webhooks.on(pattern)
        (record,) = caplog.records
        assert f"webhooks.on({pattern!r})" in record.message
        assert record.message.endswith(f"Did you mean {meant!r}?")

    @pytest.mark.parametrize("known", [*SUBSCRIBED, "user.*", "*", "session.*", "paymentAttempt.*"])
    def test_that_is_right_is_not(self, known: str, webhooks: WebhookReceiver, caplog: Any) -> None:
        webhooks.on(known)
        assert not caplog.records


def test_type_checkers_know_every_event() -> None:
    overloads = ast.parse(inspect.getsource(subscriptions))
    named = {
        text.value
        for literal in ast.walk(overloads)
        if isinstance(literal, ast.Subscript) and ast.unparse(literal.value) == "Literal"
        for text in ast.walk(literal.slice)
        if isinstance(text, ast.Constant)
    }
    kinds = {f"{name.partition('.')[0]}.*" for name in KNOWN_TYPES}
    assert named == KNOWN_TYPES | kinds | {"*"}


def test_every_event_that_an_application_subscribes_to_is_known() -> None:
    assert set(SUBSCRIBED) <= KNOWN_TYPES
    assert not any(" " in name or "*" in name for name in KNOWN_TYPES)


class TestAHandler:
    def test_stays_what_it_was(self, webhooks: WebhookReceiver) -> None:
        def handler(event: Any) -> None: ...

        assert webhooks.on("user.created")(handler) is handler

    def test_runs_once_for_an_event_that_it_is_registered_for_twice(self, webhooks: WebhookReceiver) -> None:
        called: list[str] = []

        @webhooks.on("user.*", "user.created")
        @webhooks.on("user.created", "user.updated")
        def handler(event: Any) -> None:
            called.append(event.type)

        body = an_event()
        webhooks.handle(body, signed(body))
        assert called == ["user.created"]

    def test_is_a_function(self, webhooks: WebhookReceiver) -> None:
        on: Any = webhooks.on("user.created")
        for other in (None, "handler", 5):
            with pytest.raises(ConfigurationError, match=f"is of type {type(other).__name__}"):
                on(other)

    def test_takes_an_event(self, webhooks: WebhookReceiver) -> None:
        on: Any = webhooks.on("user.created")
        for wrong in (lambda: None, lambda event, other: None, lambda *, event: None):
            with pytest.raises(ConfigurationError, match="must take the event as its only argument"):
                on(wrong)
        for right in (
            lambda *args: None,
            lambda event, other=1: None,
            functools.partial(print, 1),
            list[Any],
            dict,
        ):
            on(right)

    def test_is_no_generator_which_would_never_run(self, webhooks: WebhookReceiver) -> None:
        def generator(event: Any) -> Any:
            yield event

        async def asynchronous(event: Any) -> Any:
            yield event

        for handler in (generator, asynchronous):
            with pytest.raises(ConfigurationError, match=f"{handler.__name__} has a yield in it"):
                webhooks.on("user.created")(handler)
