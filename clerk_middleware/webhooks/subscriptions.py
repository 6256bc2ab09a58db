"""``@webhooks.on(…)``: one function at run time, and a type for the handlers of each event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from .handlers import Handlers, check_patterns

if TYPE_CHECKING:
    from collections.abc import Callable

    from . import events as e

    # A handler of such an event, as it is: it may take others, too.
    UserH = TypeVar("UserH", bound=Callable[[e.UserEvent], object])
    UserDeletedH = TypeVar("UserDeletedH", bound=Callable[[e.UserDeletedEvent], object])
    AnyUserH = TypeVar("AnyUserH", bound=Callable[[e.UserEvent | e.UserDeletedEvent], object])
    SessionH = TypeVar("SessionH", bound=Callable[[e.SessionEvent], object])
    EmailH = TypeVar("EmailH", bound=Callable[[e.EmailEvent], object])
    SMSH = TypeVar("SMSH", bound=Callable[[e.SMSEvent], object])
    OrganizationH = TypeVar("OrganizationH", bound=Callable[[e.OrganizationEvent], object])
    OrganizationDeletedH = TypeVar(
        "OrganizationDeletedH", bound=Callable[[e.OrganizationDeletedEvent], object]
    )
    AnyOrganizationH = TypeVar(
        "AnyOrganizationH", bound=Callable[[e.OrganizationEvent | e.OrganizationDeletedEvent], object]
    )
    OrganizationDomainH = TypeVar("OrganizationDomainH", bound=Callable[[e.OrganizationDomainEvent], object])
    OrganizationDomainDeletedH = TypeVar(
        "OrganizationDomainDeletedH", bound=Callable[[e.OrganizationDomainDeletedEvent], object]
    )
    AnyOrganizationDomainH = TypeVar(
        "AnyOrganizationDomainH",
        bound=Callable[[e.OrganizationDomainEvent | e.OrganizationDomainDeletedEvent], object],
    )
    OrganizationInvitationH = TypeVar(
        "OrganizationInvitationH", bound=Callable[[e.OrganizationInvitationEvent], object]
    )
    OrganizationInvitationAcceptedH = TypeVar(
        "OrganizationInvitationAcceptedH", bound=Callable[[e.OrganizationInvitationAcceptedEvent], object]
    )
    AnyOrganizationInvitationH = TypeVar(
        "AnyOrganizationInvitationH",
        bound=Callable[[e.OrganizationInvitationEvent | e.OrganizationInvitationAcceptedEvent], object],
    )
    OrganizationMembershipH = TypeVar(
        "OrganizationMembershipH", bound=Callable[[e.OrganizationMembershipEvent], object]
    )
    RoleH = TypeVar("RoleH", bound=Callable[[e.RoleEvent], object])
    PermissionH = TypeVar("PermissionH", bound=Callable[[e.PermissionEvent], object])
    WaitlistEntryH = TypeVar("WaitlistEntryH", bound=Callable[[e.WaitlistEntryEvent], object])
    SubscriptionH = TypeVar("SubscriptionH", bound=Callable[[e.SubscriptionEvent], object])
    SubscriptionItemH = TypeVar("SubscriptionItemH", bound=Callable[[e.SubscriptionItemEvent], object])
    PaymentAttemptH = TypeVar("PaymentAttemptH", bound=Callable[[e.PaymentAttemptEvent], object])
    AnyH = TypeVar("AnyH", bound=Callable[[e.ClerkEvent], object])
    H = TypeVar("H", bound=Callable[[Any], object])


class Subscriptions:
    """The handlers of a receiver."""

    def __init__(self) -> None:
        self._handlers = Handlers()

    def check_handler(self, handler: object, /) -> None:
        """An adapter overrides it to refuse what its framework would call in another way.

        :raises ConfigurationError: if *handler* can't be one here.
        """

    @overload
    def on(self, *types: Literal["user.created", "user.updated"]) -> Callable[[UserH], UserH]: ...
    @overload
    def on(self, *types: Literal["user.deleted"]) -> Callable[[UserDeletedH], UserDeletedH]: ...
    @overload
    def on(
        self, *types: Literal["user.*", "user.created", "user.updated", "user.deleted"]
    ) -> Callable[[AnyUserH], AnyUserH]: ...
    @overload
    def on(
        self,
        *types: Literal[
            "session.*",
            "session.created",
            "session.pending",
            "session.ended",
            "session.removed",
            "session.revoked",
        ],
    ) -> Callable[[SessionH], SessionH]: ...
    @overload
    def on(self, *types: Literal["email.*", "email.created"]) -> Callable[[EmailH], EmailH]: ...
    @overload
    def on(self, *types: Literal["sms.*", "sms.created"]) -> Callable[[SMSH], SMSH]: ...
    @overload
    def on(
        self, *types: Literal["organization.created", "organization.updated"]
    ) -> Callable[[OrganizationH], OrganizationH]: ...
    @overload
    def on(
        self, *types: Literal["organization.deleted"]
    ) -> Callable[[OrganizationDeletedH], OrganizationDeletedH]: ...
    @overload
    def on(
        self,
        *types: Literal[
            "organization.*", "organization.created", "organization.updated", "organization.deleted"
        ],
    ) -> Callable[[AnyOrganizationH], AnyOrganizationH]: ...
    @overload
    def on(
        self, *types: Literal["organizationDomain.created", "organizationDomain.updated"]
    ) -> Callable[[OrganizationDomainH], OrganizationDomainH]: ...
    @overload
    def on(
        self, *types: Literal["organizationDomain.deleted"]
    ) -> Callable[[OrganizationDomainDeletedH], OrganizationDomainDeletedH]: ...
    @overload
    def on(
        self,
        *types: Literal[
            "organizationDomain.*",
            "organizationDomain.created",
            "organizationDomain.updated",
            "organizationDomain.deleted",
        ],
    ) -> Callable[[AnyOrganizationDomainH], AnyOrganizationDomainH]: ...
    @overload
    def on(
        self, *types: Literal["organizationInvitation.created", "organizationInvitation.revoked"]
    ) -> Callable[[OrganizationInvitationH], OrganizationInvitationH]: ...
    @overload
    def on(
        self, *types: Literal["organizationInvitation.accepted"]
    ) -> Callable[[OrganizationInvitationAcceptedH], OrganizationInvitationAcceptedH]: ...
    @overload
    def on(
        self,
        *types: Literal[
            "organizationInvitation.*",
            "organizationInvitation.created",
            "organizationInvitation.revoked",
            "organizationInvitation.accepted",
        ],
    ) -> Callable[[AnyOrganizationInvitationH], AnyOrganizationInvitationH]: ...
    @overload
    def on(
        self,
        *types: Literal[
            "organizationMembership.*",
            "organizationMembership.created",
            "organizationMembership.updated",
            "organizationMembership.deleted",
        ],
    ) -> Callable[[OrganizationMembershipH], OrganizationMembershipH]: ...
    @overload
    def on(
        self, *types: Literal["role.*", "role.created", "role.updated", "role.deleted"]
    ) -> Callable[[RoleH], RoleH]: ...
    @overload
    def on(
        self,
        *types: Literal["permission.*", "permission.created", "permission.updated", "permission.deleted"],
    ) -> Callable[[PermissionH], PermissionH]: ...
    @overload
    def on(
        self, *types: Literal["waitlistEntry.*", "waitlistEntry.created", "waitlistEntry.updated"]
    ) -> Callable[[WaitlistEntryH], WaitlistEntryH]: ...
    @overload
    def on(
        self,
        *types: Literal[
            "subscription.*",
            "subscription.created",
            "subscription.updated",
            "subscription.active",
            "subscription.pastDue",
        ],
    ) -> Callable[[SubscriptionH], SubscriptionH]: ...
    @overload
    def on(
        self,
        *types: Literal[
            "subscriptionItem.*",
            "subscriptionItem.created",
            "subscriptionItem.updated",
            "subscriptionItem.active",
            "subscriptionItem.canceled",
            "subscriptionItem.upcoming",
            "subscriptionItem.ended",
            "subscriptionItem.abandoned",
            "subscriptionItem.incomplete",
            "subscriptionItem.pastDue",
            "subscriptionItem.freeTrialEnding",
        ],
    ) -> Callable[[SubscriptionItemH], SubscriptionItemH]: ...
    @overload
    def on(
        self, *types: Literal["paymentAttempt.*", "paymentAttempt.created", "paymentAttempt.updated"]
    ) -> Callable[[PaymentAttemptH], PaymentAttemptH]: ...
    @overload
    def on(self, *types: Literal["*"]) -> Callable[[AnyH], AnyH]: ...
    @overload
    def on(self, *types: str) -> Callable[[H], H]: ...
    def on(self, *types: str) -> Callable[[H], H]:
        """Register a function that handles events of these types: ``user.created``, ``user.*``, ``*``.

        It takes the `WebhookEvent`, and may be a coroutine function. Those of one event run in the order in
        which they were registered, each once. If one fails, the rest is not run, and all run when Clerk
        delivers the message again: write them so that a second run does no harm, and so that they take a few
        seconds at most, since Clerk waits for 15.

        :raises ConfigurationError: if a type or the handler is none.
        """
        check_patterns(types)

        def register(handler: H) -> H:
            self.check_handler(handler)
            self._handlers.add(types, handler)
            return handler

        return register
