"""What a type checker knows of webhooks. Never run: mypy --strict and pyright check it."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar, assert_never, assert_type
from wsgiref.types import WSGIApplication

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from clerk_middleware import Answer
from clerk_middleware.errors import WebhookVerificationError
from clerk_middleware.webhooks import (
    ClerkEvent,
    DeletedData,
    EmailData,
    MemoryWebhookStore,
    OrganizationMembershipData,
    PaymentAttemptData,
    SessionData,
    SubscriptionEvent,
    SubscriptionItemData,
    SubscriptionItemEvent,
    UserData,
    UserDeletedData,
    UserDeletedEvent,
    UserEvent,
    WebhookEvent,
    WebhookReceiver,
    WebhookState,
    WebhookStore,
    verify_webhook,
)

# verify_webhook: the type of the event says what its data is


def verified(body: bytes, headers: dict[str, str], pairs: list[tuple[bytes, bytes]]) -> None:
    event = verify_webhook(body, headers)
    assert_type(event, ClerkEvent)
    assert_type(verify_webhook(body.decode(), pairs, signing_secret=["whsec_a", "whsec_b"]), ClerkEvent)
    assert_type(event.id, str)
    assert_type(event.timestamp, int | None)
    assert_type(event.instance_id, str | None)
    assert_type(event.event_attributes.get("http_request", {}).get("client_ip"), str | None)
    verify_webhook(body, None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    verify_webhook({}, headers)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def told_apart(event: ClerkEvent) -> None:
    if event.type == "user.created":
        assert_type(event.data, UserData)
        assert_type(event.data["first_name"], str | None)
        assert_type(event.data["email_addresses"][0]["email_address"], str)
        assert_type(event.data.get("banned"), bool | None)
        event.data["fist_name"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]
    elif event.type == "user.updated":
        assert_type(event.data, UserData)
    elif event.type == "user.deleted":
        assert_type(event.data, UserDeletedData)
        assert_type(event.data.get("external_id"), str | None)
    elif event.type == "session.pending":
        assert_type(event.data, SessionData)
    elif event.type == "email.created":
        assert_type(event.data, EmailData)
    elif event.type == "organizationDomain.deleted":
        assert_type(event.data, DeletedData)
    elif event.type == "organizationMembership.updated":
        assert_type(event.data, OrganizationMembershipData)
        assert_type(event.data["public_user_data"]["user_id"], str)
    elif event.type == "subscriptionItem.pastDue":
        assert_type(event.data, SubscriptionItemData)
    elif event.type == "paymentAttempt.updated":
        assert_type(event.data, PaymentAttemptData)


def of_one_kind(event: UserEvent | UserDeletedEvent) -> str:
    """All of them are there."""
    if event.type == "user.created":
        return event.data["id"]
    if event.type == "user.updated":
        return event.data["id"]
    if event.type == "user.deleted":
        return event.data.get("id", "")
    assert_never(event)


def of_any_kind(event: ClerkEvent) -> None:
    """There may be others, which this library does not know."""
    match event.type:
        case "user.created" | "user.updated":
            pass
        case other:
            assert_never(other)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def misspelt(event: ClerkEvent) -> bool:
    return event.type == "user.creatd"  # type: ignore[comparison-overlap]


def unspecific(event: WebhookEvent) -> None:
    """An event of which nothing is said."""
    assert_type(event.type, str)
    assert_type(event.data, Any)


def broad(event: ClerkEvent) -> None:
    unspecific(event)


# @webhooks.on: the handler takes what it is registered for

webhooks = WebhookReceiver()


@webhooks.on("user.created", "user.updated")
def save(event: UserEvent) -> int:
    assert_type(event.data, UserData)
    return 1


@webhooks.on("user.created")
async def welcome(event: WebhookEvent[Literal["user.created", "user.updated"], UserData]) -> None:
    assert_type(event.data, UserData)


@webhooks.on("user.deleted")
def forget(event: UserDeletedEvent) -> None: ...


@webhooks.on("user.*")
def audit_users(event: UserEvent | UserDeletedEvent) -> None: ...


@webhooks.on("subscription.*")
@webhooks.on("subscriptionItem.pastDue", "subscriptionItem.canceled")
def bill(event: SubscriptionEvent | SubscriptionItemEvent) -> None: ...


@webhooks.on("*")
def audit(event: ClerkEvent) -> None: ...


@webhooks.on("role.*")
def unspecific_handler(event: WebhookEvent) -> None: ...


@webhooks.on("user.created", "user.deleted")
def several(event: UserEvent | UserDeletedEvent) -> None: ...


@webhooks.on("a.new.type", "user.created")
def new(event: WebhookEvent) -> None: ...


@webhooks.on("user.deleted")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
def confused(event: UserEvent) -> None: ...


@webhooks.on("user.*")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
def too_narrow(event: UserEvent) -> None: ...


def with_types_of_other_events(event: UserEvent, all_of_them: ClerkEvent) -> None:
    assert_type(save(event=event), int)
    bill(all_of_them)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    webhooks.on(1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


async def awaited(event: UserEvent) -> None:
    assert_type(await welcome(event), None)


# receivers and stores

T = TypeVar("T")


class RedisStore:
    """Of coroutine functions."""

    async def begin(self, message_id: str, /) -> WebhookState:
        return "begun"

    async def finish(self, message_id: str, /) -> None: ...

    async def abandon(self, message_id: str, /) -> None: ...


class HalfAStore:
    def begin(self, message_id: str, /) -> WebhookState:
        return "begun"


a_store: WebhookStore = MemoryWebhookStore()
another_store: WebhookStore = RedisStore()
WebhookReceiver("whsec_…", store=RedisStore())
WebhookReceiver(["whsec_…", "whsec_…"], store=MemoryWebhookStore(60.5, size=10))
WebhookReceiver(lambda: None)
WebhookReceiver(store=HalfAStore())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Adapter(WebhookReceiver):
    """As an integration writes one."""

    def call_async(self, function: Callable[[], Awaitable[T]], /) -> T:
        raise NotImplementedError


async def answered(body: bytes, headers: dict[str, str]) -> None:
    assert_type(webhooks.handle(body, headers), Answer)
    assert_type(await webhooks.ahandle(body, headers), Answer)


Starlette(
    routes=[
        Route("/api/webhooks/clerk", webhooks.asgi, methods=["POST"]),
        Mount("/other", webhooks.asgi),
    ]
)
served: WSGIApplication = webhooks.wsgi


def reason(error: WebhookVerificationError) -> str:
    assert_type(error.message, str)
    return error.reason
