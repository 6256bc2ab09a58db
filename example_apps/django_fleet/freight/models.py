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
from django.shortcuts import get_object_or_404

from example_apps.fleet.sample import FIRST_NUMBER

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from example_apps.django_fleet.accounts.models import User


class Company(models.Model):
    """A company: one Clerk organization."""

    org_id = models.CharField("Clerk organization id", max_length=64, unique=True)
    slug = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
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

    @transaction.atomic
    def pay(self, user_id: str) -> tuple[Driver, int]:
        """Pay a driver what is owed; returns how much that was. Raises `Http404`."""
        driver = get_object_or_404(self.drivers.select_for_update(), user_id=user_id)
        paid, driver.owed = driver.owed, 0
        driver.save(update_fields=["owed"])
        return driver, paid

    def log(self, user: User, what: str) -> AuditEvent:
        """Keep who did what: the audit log."""
        return self.events.create(user=user, who=str(user), what=what)


class Driver(models.Model):
    """Who drives for a company. By Clerk's id, for many have a truck long before they sign in."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="drivers")
    user_id = models.CharField("Clerk user id", max_length=64)
    name = models.CharField(max_length=255)
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
    driver = models.ForeignKey(Driver, models.SET_NULL, null=True, blank=True, related_name="loads")

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=["company", "number"], name="number_once_a_company"),)

    def __str__(self) -> str:
        return f"{self.number}: {self.origin} → {self.destination}"

    def clean(self) -> None:
        if self.driver is not None and self.driver.company != self.company:
            raise ValidationError({"driver": "This driver works for another company."})

    def assign(self, driver: Driver) -> None:
        self.driver, self.status = driver, Load.Status.ASSIGNED
        self.save(update_fields=["driver", "status"])


class AuditEvent(models.Model):
    """Who did what. The name is kept as it was: users may be renamed and deleted, what happened may not."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    who = models.CharField(max_length=255)
    what = models.CharField(max_length=255)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.who} {self.what}"
