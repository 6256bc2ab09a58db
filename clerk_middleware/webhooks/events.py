"""`WebhookEvent`: what Clerk says has happened, and which data each type of event carries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypedDict, get_args

from .billing import PaymentAttemptData, SubscriptionData, SubscriptionItemData
from .organizations import (
    OrganizationData,
    OrganizationDomainData,
    OrganizationInvitationAcceptedData,
    OrganizationInvitationData,
    OrganizationMembershipData,
    PermissionData,
    RoleData,
)
from .users import (
    DeletedData,
    EmailData,
    SessionData,
    SMSData,
    UserData,
    UserDeletedData,
    WaitlistEntryData,
)

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # type checkers bring it along

    TypeT_co = TypeVar("TypeT_co", bound=str, default=str, covariant=True)
    DataT_co = TypeVar("DataT_co", default=Any, covariant=True)
else:
    from typing import TypeVar

    TypeT_co = TypeVar("TypeT_co", covariant=True)
    DataT_co = TypeVar("DataT_co", covariant=True)


class HTTPRequestAttributes(TypedDict, total=False):
    client_ip: str
    user_agent: str


class EventAttributes(TypedDict, total=False):
    """What an event came about by."""

    #: The request to Clerk that caused it; empty strings where there was none.
    http_request: HTTPRequestAttributes


@dataclass(frozen=True, kw_only=True)  # with slots, WebhookEvent[...](...) raises in Python 3.11
class WebhookEvent(Generic[TypeT_co, DataT_co]):
    """A verified message of Clerk's. Its repr hides the data, which may hold one-time codes.

    For a type checker ``event.type == "user.created"`` says what is in ``event.data``, where *event* is a
    `ClerkEvent`, as `verify_webhook` returns it.
    """

    #: Such as ``user.created``.
    type: TypeT_co
    #: The object that the event is about, as it was then: later events may come earlier.
    data: DataT_co = field(repr=False, hash=False)
    #: The message's id, the same in each of its deliveries.
    id: str
    #: The request that the event came about by; empty where Clerk does not say.
    event_attributes: EventAttributes = field(default_factory=EventAttributes, repr=False, hash=False)
    #: When it happened, in Unix milliseconds; `None` where Clerk does not say.
    timestamp: int | None = None
    #: The Clerk instance that it happened in (``ins_…``).
    #: With several instances: it is what the sender says. Only the secret that verified it is proven.
    instance_id: str | None = None

    if not TYPE_CHECKING:  # pragma: no branch

        @classmethod
        def __class_getitem__(cls, params: Any) -> Any:
            # The type of the data has a default, which TypeVars only have at run time from Python 3.13 on.
            params = params if isinstance(params, tuple) else (params, Any)
            return super().__class_getitem__(params)


# One alternative for each type: pyright narrows only those whose type is a single literal.
UserEvent: TypeAlias = (
    WebhookEvent[Literal["user.created"], UserData] | WebhookEvent[Literal["user.updated"], UserData]
)
UserDeletedEvent: TypeAlias = WebhookEvent[Literal["user.deleted"], UserDeletedData]
SessionEvent: TypeAlias = (
    WebhookEvent[Literal["session.created"], SessionData]
    | WebhookEvent[Literal["session.pending"], SessionData]
    | WebhookEvent[Literal["session.ended"], SessionData]
    | WebhookEvent[Literal["session.removed"], SessionData]
    | WebhookEvent[Literal["session.revoked"], SessionData]
)
EmailEvent: TypeAlias = WebhookEvent[Literal["email.created"], EmailData]
SMSEvent: TypeAlias = WebhookEvent[Literal["sms.created"], SMSData]
OrganizationEvent: TypeAlias = (
    WebhookEvent[Literal["organization.created"], OrganizationData]
    | WebhookEvent[Literal["organization.updated"], OrganizationData]
)
OrganizationDeletedEvent: TypeAlias = WebhookEvent[Literal["organization.deleted"], DeletedData]
OrganizationDomainEvent: TypeAlias = (
    WebhookEvent[Literal["organizationDomain.created"], OrganizationDomainData]
    | WebhookEvent[Literal["organizationDomain.updated"], OrganizationDomainData]
)
OrganizationDomainDeletedEvent: TypeAlias = WebhookEvent[Literal["organizationDomain.deleted"], DeletedData]
OrganizationInvitationEvent: TypeAlias = (
    WebhookEvent[Literal["organizationInvitation.created"], OrganizationInvitationData]
    | WebhookEvent[Literal["organizationInvitation.revoked"], OrganizationInvitationData]
)
OrganizationInvitationAcceptedEvent: TypeAlias = WebhookEvent[
    Literal["organizationInvitation.accepted"], OrganizationInvitationAcceptedData
]
OrganizationMembershipEvent: TypeAlias = (
    WebhookEvent[Literal["organizationMembership.created"], OrganizationMembershipData]
    | WebhookEvent[Literal["organizationMembership.updated"], OrganizationMembershipData]
    | WebhookEvent[Literal["organizationMembership.deleted"], OrganizationMembershipData]
)
RoleEvent: TypeAlias = (
    WebhookEvent[Literal["role.created"], RoleData]
    | WebhookEvent[Literal["role.updated"], RoleData]
    | WebhookEvent[Literal["role.deleted"], RoleData]
)
PermissionEvent: TypeAlias = (
    WebhookEvent[Literal["permission.created"], PermissionData]
    | WebhookEvent[Literal["permission.updated"], PermissionData]
    | WebhookEvent[Literal["permission.deleted"], PermissionData]
)
WaitlistEntryEvent: TypeAlias = (
    WebhookEvent[Literal["waitlistEntry.created"], WaitlistEntryData]
    | WebhookEvent[Literal["waitlistEntry.updated"], WaitlistEntryData]
)
SubscriptionEvent: TypeAlias = (
    WebhookEvent[Literal["subscription.created"], SubscriptionData]
    | WebhookEvent[Literal["subscription.updated"], SubscriptionData]
    | WebhookEvent[Literal["subscription.active"], SubscriptionData]
    | WebhookEvent[Literal["subscription.pastDue"], SubscriptionData]
)
SubscriptionItemEvent: TypeAlias = (
    WebhookEvent[Literal["subscriptionItem.created"], SubscriptionItemData]
    | WebhookEvent[Literal["subscriptionItem.updated"], SubscriptionItemData]
    | WebhookEvent[Literal["subscriptionItem.active"], SubscriptionItemData]
    | WebhookEvent[Literal["subscriptionItem.canceled"], SubscriptionItemData]
    | WebhookEvent[Literal["subscriptionItem.upcoming"], SubscriptionItemData]
    | WebhookEvent[Literal["subscriptionItem.ended"], SubscriptionItemData]
    | WebhookEvent[Literal["subscriptionItem.abandoned"], SubscriptionItemData]
    | WebhookEvent[Literal["subscriptionItem.incomplete"], SubscriptionItemData]
    | WebhookEvent[Literal["subscriptionItem.pastDue"], SubscriptionItemData]
    | WebhookEvent[Literal["subscriptionItem.freeTrialEnding"], SubscriptionItemData]
)
PaymentAttemptEvent: TypeAlias = (
    WebhookEvent[Literal["paymentAttempt.created"], PaymentAttemptData]
    | WebhookEvent[Literal["paymentAttempt.updated"], PaymentAttemptData]
)
#: An event of a type that is none of the others. That it is a literal, and none that Clerk sends, is for type
#: checkers alone, which could not tell the others apart beside a `str`; at run time it is what Clerk sent.
OtherEvent: TypeAlias = WebhookEvent[Literal["(another type)"], dict[str, Any]]

#: Any event of Clerk's.
ClerkEvent: TypeAlias = (
    UserEvent
    | UserDeletedEvent
    | SessionEvent
    | EmailEvent
    | SMSEvent
    | OrganizationEvent
    | OrganizationDeletedEvent
    | OrganizationDomainEvent
    | OrganizationDomainDeletedEvent
    | OrganizationInvitationEvent
    | OrganizationInvitationAcceptedEvent
    | OrganizationMembershipEvent
    | RoleEvent
    | PermissionEvent
    | WaitlistEntryEvent
    | SubscriptionEvent
    | SubscriptionItemEvent
    | PaymentAttemptEvent
    | OtherEvent
)

#: The types of events that Clerk is known to send.
KNOWN_TYPES: frozenset[str] = frozenset(
    get_args(get_args(event)[0])[0] for event in get_args(ClerkEvent) if event is not OtherEvent
)
