"""A JSON API on the same views' terms. Nothing is redirected here: 401, 403 and 404 say what is wrong."""

from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from clerk_middleware import SessionAuth
from clerk_middleware_django.drf import HasPermission, HasReverification, HasRole, Protect
from example_apps.fleet.permissions import JUST_VERIFIED, may_read_audit_log

from ..accounts.models import User
from .current import current_company
from .models import AuditEvent, Load

_MAY_LIST = HasPermission("org:dispatcher:access_dispatch_dashboard")
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


class MeSerializer(serializers.Serializer):
    user_id = serializers.CharField()
    organization = serializers.CharField(allow_null=True)
    role = serializers.CharField(allow_null=True)
    permissions = serializers.ListField(child=serializers.CharField(), allow_null=True)


class PaymentSerializer(serializers.Serializer):
    driver_id = serializers.CharField(write_only=True)
    paid = serializers.IntegerField(read_only=True)


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
        """The loads of the active company."""
        return super().get(request, *args, **kwargs)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Create a load."""
        return super().post(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Load]:
        return current_company(self.request).loads.select_related("driver")

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


class AuditLog(generics.ListAPIView):
    """Who did what, newest first. To whom it is not for, it does not exist: 404."""

    serializer_class = EventSerializer
    permission_classes = (Protect(may_read_audit_log),)

    def get_queryset(self) -> QuerySet[AuditEvent]:
        return current_company(self.request).events.all()


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
