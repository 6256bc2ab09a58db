"""A JSON API on the same views' terms. Nothing is redirected here: 401, 403 and 404 say what is wrong."""

from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from clerk_middleware import MachineAuth, SessionAuth
from clerk_middleware_django.drf import HasPermission, HasReverification, HasRole, HasToken, Protect
from example_apps.fleet.machines import READ_LOADS, READERS
from example_apps.fleet.permissions import JUST_VERIFIED, may_read_audit_log
from example_apps.fleet.roster import READ_ROSTER

from ..accounts.models import User
from .current import current_company, known_company, loads_for
from .models import AuditEvent, Load

# People need a permission, and programs a scope.
_MAY_LIST = Protect(token=READERS, permission="org:dispatcher:access_dispatch_dashboard", scope=READ_LOADS)
_MAY_CREATE = HasPermission("org:dispatcher:create_edit_loads")


def session_of(request: Request) -> SessionAuth:
    """``request.auth``, typed: stubs of REST framework know only its own tokens."""
    return cast(SessionAuth, request.auth)


def user_of(request: Request) -> User:
    return cast(User, request.user)


class LoadSerializer(serializers.ModelSerializer):
    driver_id = serializers.CharField(source="driver.user_id", default=None, read_only=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        model = Load
        fields = ("number", "origin", "destination", "cargo", "tons", "status", "driver_id")
        read_only_fields = ("number", "status")


class EventSerializer(serializers.ModelSerializer):
    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        model = AuditEvent
        fields = ("at", "who", "what")


class PersonSerializer(serializers.Serializer):
    user_id = serializers.CharField(source="clerk_identity.clerk_user_id")
    name = serializers.CharField(source="__str__")


class MeSerializer(serializers.Serializer):
    user_id = serializers.CharField()
    organization = serializers.CharField(allow_null=True)
    role = serializers.CharField(allow_null=True)
    permissions = serializers.ListField(child=serializers.CharField(), allow_null=True)


class PaymentSerializer(serializers.Serializer):
    driver_id = serializers.CharField(write_only=True)
    paid = serializers.IntegerField(read_only=True)


class PositionSerializer(serializers.Serializer):
    """How far a load is, in percent of its way. Load numbers are a company's own."""

    company = serializers.CharField(write_only=True)
    load = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    percent = serializers.FloatField(min_value=0, max_value=100)


@extend_schema(responses=MeSerializer)
@api_view(["GET"])
def me(request: Request) -> Response:
    """Who is signed in."""
    auth = session_of(request)
    return Response(
        {
            "user_id": auth.user_id,
            "organization": auth.org_slug,
            "role": auth.org_role,
            "permissions": auth.org_permissions,
        }
    )


class Loads(generics.ListCreateAPIView):
    """Reading and writing are different permissions."""

    serializer_class = LoadSerializer

    def get_permissions(self) -> list[BasePermission]:
        if self.request.method == "POST":
            return [_MAY_CREATE()]
        return [_MAY_LIST()]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The loads of the active company; to a partner's token, those of its owner."""
        return super().get(request, *args, **kwargs)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Create a load."""
        return super().post(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Load]:
        auth: object = self.request.auth
        loads = loads_for(auth) if isinstance(auth, MachineAuth) else current_company(self.request).loads
        return loads.select_related("driver")

    def perform_create(self, serializer: BaseSerializer) -> None:
        company = current_company(self.request)
        serializer.instance = company.create_load(user_of(self.request), Load(**serializer.validated_data))


class Payments(APIView):
    """Pay a driver what is owed."""

    permission_classes = (HasRole("org:admin"), HasReverification(JUST_VERIFIED))

    @extend_schema(request=PaymentSerializer, responses=PaymentSerializer)
    def post(self, request: Request) -> Response:
        payment = PaymentSerializer(data=request.data)
        payment.is_valid(raise_exception=True)
        paid = current_company(request).pay(user_of(request), payment.validated_data["driver_id"])
        return Response({"paid": paid})


class Positions(APIView):
    """Report where a truck is. For machines alone whose scope in the Clerk Dashboard has this one."""

    permission_classes = (HasToken("m2m_token"),)

    @extend_schema(request=PositionSerializer, responses=PositionSerializer)
    def post(self, request: Request) -> Response:
        sent = PositionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        position = sent.validated_data
        company = known_company(position["company"])
        if company is None:
            raise Http404
        load = get_object_or_404(company.loads, number=position["load"])
        load.percent = position["percent"]
        load.save(update_fields=["percent"])
        return Response({"load": load.number, "percent": load.percent})


class AuditLog(generics.ListAPIView):
    """Who did what, newest first. To whom it is not for, it does not exist: 404."""

    serializer_class = EventSerializer
    permission_classes = (Protect(may_read_audit_log),)

    def get_queryset(self) -> QuerySet[AuditEvent]:
        return current_company(self.request).events.all()


class Roster(generics.ListAPIView):
    """Who else has an account, as Clerk's webhooks say it."""

    serializer_class = PersonSerializer
    permission_classes = (HasPermission(READ_ROSTER),)

    def get_queryset(self) -> QuerySet[User]:
        people = User.objects.filter(is_active=True, clerk_identity__isnull=False)
        others = people.exclude(clerk_identity__clerk_user_id=session_of(self.request).user_id)
        return others.select_related("clerk_identity").order_by("first_name", "last_name", "pk")


@login_not_required
def docs(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document for people. (Swagger's page would need scripts of another site.)"""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    schema: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    calls = [
        {"method": method.upper(), "path": path, "description": operation.get("description", "")}
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    ]
    return render(request, "freight/docs.html", {"calls": calls})
