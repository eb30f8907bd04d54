"""What clients of the original ask an installation about itself."""

from typing import Annotated

from pydantic import Field

from aibridge.contract.base import Body, Model, Time


class BuildInfo(Model):
    """Which release this is, and where."""

    version: str
    external_url: str
    dashboard_url: str
    telemetry: bool = False
    workspace_proxy: bool = False


class AuthMethod(Model):
    """Whether people may log in so."""

    enabled: bool


class AuthMethods(Model):
    """How people log in: with a password."""

    password: AuthMethod
    github: AuthMethod
    oidc: AuthMethod


class Feature(Model):
    """Whether a feature of the original is there."""

    entitlement: str
    enabled: bool


class Entitlements(Model):
    """Which of the original's licensed features are there: they need no licence here."""

    features: dict[str, Feature]
    warnings: list[str]
    errors: list[str]
    has_license: bool
    trial: bool
    require_telemetry: bool
    refreshed_at: Time


MAX_CHECKS = 100


class AuthorizationObject(Body):
    """Things that something is to be done to: all of a type, or those of one owner."""

    resource_type: Annotated[str, Field(max_length=64)]
    owner_id: Annotated[str, Field(max_length=64)] = ""
    """A user's id, a username, or ``me``."""
    organization_id: Annotated[str, Field(max_length=64)] = ""
    resource_id: Annotated[str, Field(max_length=64)] = ""
    any_org: bool = False


class AuthorizationCheck(Body):
    """Something that may be done, or not."""

    object: AuthorizationObject
    action: Annotated[str, Field(max_length=64)]


class AuthorizationRequest(Body):
    """What to check, each by a key of the caller's own."""

    checks: dict[Annotated[str, Field(max_length=256)], AuthorizationCheck] = Field(
        max_length=MAX_CHECKS
    )
