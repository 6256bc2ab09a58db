"""What the events of Clerk Billing carry, which is in beta and may change.

Times are Unix milliseconds. https://clerk.com/docs/guides/development/webhooks/billing
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class MoneyData(TypedDict):
    """An amount of money."""

    #: In the currency's smallest unit, such as cents.
    amount: int
    amount_formatted: str
    currency: str
    currency_symbol: str


class PayerData(TypedDict):
    """The user or the organization that pays."""

    id: str
    instance_id: str
    email: str
    image_url: str
    created_at: int
    updated_at: int
    user_id: NotRequired[str]
    first_name: NotRequired[str]
    last_name: NotRequired[str]
    organization_id: NotRequired[str]
    organization_name: NotRequired[str]


class PlanData(TypedDict):
    """What a subscription item is for."""

    id: str
    name: str
    slug: str
    instance_id: NotRequired[str]
    product_id: NotRequired[str]
    description: NotRequired[str]
    is_default: NotRequired[bool]
    is_recurring: NotRequired[bool]
    amount: NotRequired[int]
    period: NotRequired[Literal["month", "annual"]]
    interval: NotRequired[int]
    has_base_fee: NotRequired[bool]
    currency: NotRequired[str]
    annual_monthly_amount: NotRequired[int]
    publicly_visible: NotRequired[bool]


class SubscriptionItemData(TypedDict):
    """The ``subscriptionItem`` events: a payer's relation to one plan."""

    id: str
    #: ``active``, ``canceled``, ``ended``, ``past_due``, ``upcoming``, ``abandoned``, ``incomplete``, …
    status: str
    plan_period: Literal["month", "annual"]
    period_start: int
    object: NotRequired[str]
    period_end: NotRequired[int | None]
    canceled_at: NotRequired[int | None]
    past_due_at: NotRequired[int | None]
    plan: NotRequired[PlanData | None]
    plan_id: NotRequired[str | None]
    amount: NotRequired[MoneyData]
    credit: NotRequired[dict[str, Any]]
    proration_date: NotRequired[str]
    lifetime_paid: NotRequired[int]
    next_payment_amount: NotRequired[int]
    next_payment_date: NotRequired[int]


class SubscriptionData(TypedDict):
    """The ``subscription`` events: all that a user or an organization is subscribed to."""

    id: str
    #: As of `SubscriptionItemData`.
    status: str
    payer_id: str
    payer: PayerData
    items: list[SubscriptionItemData]
    created_at: int
    updated_at: int
    object: NotRequired[str]
    active_at: NotRequired[int | None]
    canceled_at: NotRequired[int | None]
    ended_at: NotRequired[int | None]
    past_due_at: NotRequired[int | None]
    latest_payment_id: NotRequired[str]
    payment_source_id: NotRequired[str]


class PaymentAttemptData(TypedDict):
    """``paymentAttempt.created`` and ``paymentAttempt.updated``."""

    id: str
    status: Literal["pending", "paid", "failed"]
    payment_id: str
    payer: PayerData
    subscription_items: list[SubscriptionItemData]
    created_at: int
    updated_at: int
    object: NotRequired[str]
    instance_id: NotRequired[str]
    statement_id: NotRequired[str]
    gateway_external_id: NotRequired[str]
    #: Whether it is for a checkout, or renews a subscription item.
    charge_type: NotRequired[Literal["checkout", "recurring"]]
    billing_date: NotRequired[int]
    paid_at: NotRequired[int | None]
    failed_at: NotRequired[int | None]
    failed_reason: NotRequired[dict[str, Any] | None]
    payee: NotRequired[dict[str, Any]]
    payment_source: NotRequired[dict[str, Any]]
    #: ``subtotal``, ``tax_total`` and ``grand_total``.
    totals: NotRequired[dict[str, MoneyData]]
