"""The freight companies. Nothing here knows of Clerk but that a company is an organization, by its id.

Everything belongs to a company, and is reached from it: ``company.loads``, never ``Load.objects``. So no
view can show what is another company's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.http import Http404
from django.shortcuts import get_object_or_404

from example_apps.fleet.sample import FIRST_NUMBER

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from example_apps.django_fleet.accounts.models import User

#: How long a name or a line of the audit log may be: PostgreSQL refuses what is longer.
LINE = 255


class Company(models.Model):
    """A company: one Clerk organization."""

    org_id = models.CharField("Clerk organization id", max_length=64, unique=True)
    slug = models.CharField(max_length=LINE)
    name = models.CharField(max_length=LINE)
    profile = models.TextField("public profile", blank=True)

    drivers: RelatedManager[Driver]
    loads: RelatedManager[Load]
    events: RelatedManager[AuditEvent]

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def add_load(self, load: Load) -> Load:
        """Give a new load the company's next number."""
        # Two at a time would take the same one.
        Company.objects.select_for_update().get(pk=self.pk)
        last = self.loads.aggregate(last=models.Max("number"))["last"]
        load.company, load.number = self, FIRST_NUMBER if last is None else last + 1
        load.save()
        return load

    # What somebody does and the entry about it are one transaction: neither is ever there alone.

    @transaction.atomic
    def create_load(self, user: User, load: Load) -> Load:
        self.add_load(load)
        self.log(user, f"created load {load.number}")
        return load

    @transaction.atomic
    def pay(self, user: User, user_id: str) -> int:
        """Pay the driver with that id what is owed; returns how much that was. Raises `Http404`."""
        if "\0" in user_id:  # from a URL, and nothing to ask PostgreSQL for
            raise Http404
        driver = get_object_or_404(self.drivers.select_for_update(), user_id=user_id)
        paid, driver.owed = driver.owed, 0
        driver.save(update_fields=["owed"])
        self.log(user, f"paid ${paid:,} to {driver.name}")
        return paid

    @transaction.atomic
    def delete_profile(self, user: User) -> None:
        self.profile = ""
        self.save(update_fields=["profile"])
        self.log(user, "deleted the company's public profile")

    def log(self, user: User, what: str) -> AuditEvent:
        """Keep who did what: the audit log."""
        return self.events.create(user=user, who=str(user)[:LINE], what=what[:LINE])


class Driver(models.Model):
    """Who drives for a company. By Clerk's id, for many have a truck long before they sign in."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="drivers")
    user_id = models.CharField("Clerk user id", max_length=64)
    name = models.CharField(max_length=LINE)
    truck = models.CharField(max_length=60)
    hours_left = models.FloatField("hours of service left today", default=11)
    owed = models.PositiveIntegerField("owed, in dollars", default=0)
    litres_per_100_km = models.FloatField("litres per 100 km")

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["company", "user_id"], name="driver_once_a_company"),)

    def __str__(self) -> str:
        return self.name


class Load(models.Model):
    class Status(models.TextChoices):
        OPEN = "open", "open"
        ASSIGNED = "assigned", "assigned"
        IN_TRANSIT = "in transit", "in transit"
        DELIVERED = "delivered", "delivered"

    company = models.ForeignKey(Company, models.CASCADE, related_name="loads")
    number = models.PositiveIntegerField(editable=False)
    origin = models.CharField(max_length=60)
    destination = models.CharField(max_length=60)
    cargo = models.CharField(max_length=60)
    tons = models.FloatField(validators=[MinValueValidator(0.1), MaxValueValidator(60)])
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.OPEN)
    percent = models.FloatField("percent of the way, as reported", null=True, blank=True)
    driver = models.ForeignKey(Driver, models.SET_NULL, null=True, blank=True, related_name="loads")

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=["company", "number"], name="number_once_a_company"),)

    def __str__(self) -> str:
        return f"{self.number}: {self.origin} → {self.destination}"

    def clean(self) -> None:
        if self.driver is not None and self.driver.company != self.company:
            raise ValidationError({"driver": "This driver works for another company."})

    @transaction.atomic
    def assign(self, user: User, driver: Driver) -> None:
        self.driver, self.status = driver, Load.Status.ASSIGNED
        self.save(update_fields=["driver", "status"])
        self.company.log(user, f"assigned load {self.number} to {driver.name}")

    @transaction.atomic
    def report(self, user: User, status: str) -> None:
        self.status = status
        self.save(update_fields=["status"])
        self.company.log(user, f"reported load {self.number} as {status}")


class AuditEvent(models.Model):
    """Who did what. The name is kept as it was: users may be renamed and deleted, what happened may not."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    who = models.CharField(max_length=LINE)
    what = models.CharField(max_length=LINE)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.who} {self.what}"
