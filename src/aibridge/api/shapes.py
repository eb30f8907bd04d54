"""Rows of people, groups, budgets, prices and acts to the models of the contract."""

import json
from collections.abc import Iterable
from typing import Any

from msgspec.structs import asdict

from aibridge import contract
from aibridge.identity.issuing import Issued
from aibridge.ids import moment, uuid_of
from aibridge.prices.listing import Listed
from aibridge.prices.rates import Unit
from aibridge.principals import EVERYONE
from aibridge.providers.provider import credential_hint
from aibridge.providers.settings import ProviderSettings
from aibridge.providers.types import TYPES
from aibridge.store.people import audit, budgets, caps, groups, tokens, users
from aibridge.store.usage import model_prices

_MICROSECONDS = 1_000_000
_ROLE_NAMES = {
    contract.SiteRole.OWNER: "Owner",
    contract.SiteRole.USER_ADMIN: "User Admin",
    contract.SiteRole.AUDITOR: "Auditor",
    contract.SiteRole.MEMBER: "Member",
}

ORGANIZATION = contract.Organization(
    id=EVERYONE, name="default", display_name="Default", is_default=True
)
"""The one organization."""


def user(row: users.User) -> contract.User:
    """Shape a user."""
    organizations = [ORGANIZATION.id]
    return contract.User(
        id=row.id, **_account(row), roles=_roles(row), organization_ids=organizations
    )


def _account(row: users.User) -> dict[str, Any]:
    """Return what is shown of a user wherever one is shown whole."""
    return {
        "username": row.username,
        "name": row.name,
        "email": row.email,
        "avatar_url": row.avatar_url,
        "status": contract.UserStatus(row.status),
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }


def _roles(row: users.User) -> list[contract.Role]:
    return [contract.Role(name=role, display_name=_ROLE_NAMES[role]) for role in sorted(row.roles)]


def assignable_roles(*, may_assign: bool) -> list[contract.AssignableRole]:
    """Shape the roles there are, beside that which everybody has."""
    return [
        contract.AssignableRole(name=role, display_name=name, assignable=may_assign)
        for role, name in _ROLE_NAMES.items()
        if role != contract.SiteRole.MEMBER
    ]


def organization_member(row: users.User) -> contract.OrganizationMember:
    """Shape a user as a member of the organization."""
    return contract.OrganizationMember(
        user_id=row.id,
        organization_id=ORGANIZATION.id,
        **_account(row),
        global_roles=_roles(row),
        roles=[],
        user_created_at=moment(row.created_at),
        user_updated_at=moment(row.updated_at),
    )


def user_roles(row: users.User) -> contract.UserRoles:
    """Shape the roles of a user."""
    everywhere: dict[str, list[str]] = {ORGANIZATION.id: []}
    return contract.UserRoles(roles=sorted(row.roles), organization_roles=everywhere)


def token(row: tokens.Token) -> contract.Token:
    """Shape a token."""
    lifetime = 0 if row.expires_at is None else row.expires_at - row.created_at
    return contract.Token(
        id=row.id,
        user_id=row.user_id,
        username=row.username,
        token_name=row.name,
        scopes=sorted(row.scopes),
        login_type=contract.LoginType(row.login_type),
        created_at=moment(row.created_at),
        expires_at=None if row.expires_at is None else moment(row.expires_at),
        last_used=None if row.last_used_at is None else moment(row.last_used_at),
        lifetime_seconds=lifetime // _MICROSECONDS,
    )


def created_token(issued: Issued) -> contract.CreatedToken:
    """Shape a new token, with its text."""
    return contract.CreatedToken(**dict(token(issued.row)), key=issued.text)


def group(row: groups.Group) -> contract.Group:
    """Shape a group without its members."""
    return contract.Group(
        id=row.id,
        name=row.name,
        display_name=row.display_name,
        organization_id=ORGANIZATION.id,
        avatar_url="",
        source="user",
        total_member_count=row.member_count,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


def group_detail(row: groups.Group, members: Iterable[users.User]) -> contract.GroupDetail:
    """Shape a group with its members."""
    shown = [contract.GroupMember(id=member.id, **_account(member)) for member in members]
    return contract.GroupDetail(**dict(group(row)), members=shown)


def configured_provider(settings: ProviderSettings) -> contract.AIProvider:
    """Shape a provider of the settings; its ids follow from its name and its keys' places."""
    name = settings.name
    keys = [
        contract.AIProviderKey(
            id=_id("key", name, place), masked=credential_hint(key.reveal()), created_at=None
        )
        for place, key in enumerate(settings.api_keys)
    ]
    return contract.AIProvider(
        id=_id("provider", name),
        type=settings.type,
        name=name,
        display_name=name,
        icon="",
        enabled=True,
        base_url=settings.base_url or TYPES[settings.type].base_url,
        api_keys=keys,
        settings=None,
        created_at=None,
        updated_at=None,
    )


def _id(*parts: object) -> str:
    return uuid_of("/".join(map(str, parts)))


def group_budget(row: budgets.GroupBudget) -> contract.GroupAIBudget:
    """Shape the budget of a group."""
    return contract.GroupAIBudget(
        group_id=row.group_id,
        spend_limit_micros=row.spend_limit_micros,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


def cap(row: caps.Cap, name: str, spent: int | None) -> contract.AISpendCap:
    """Shape a cap, with the name of what it is of and what counts against it."""
    return contract.AISpendCap(
        id=row.id,
        scope=contract.CapScope(row.scope),
        target_id=row.target_id,
        target_name=name,
        period=contract.CapPeriod(row.period),
        spend_limit_micros=row.spend_limit_micros,
        current_spend_micros=spent,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


def override(row: budgets.Override) -> contract.UserAIBudgetOverride:
    """Shape a user's own limit."""
    return contract.UserAIBudgetOverride(
        user_id=row.user_id,
        group_id=row.group_id,
        spend_limit_micros=row.spend_limit_micros,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


_UNITS = {
    "input_price": Unit.INPUT,
    "output_price": Unit.OUTPUT,
    "cache_read_price": Unit.CACHE_READ,
    "cache_write_price": Unit.CACHE_WRITE,
    "cache_write_1h_price": Unit.CACHE_WRITE_1H,
    "cache_write_12h_price": Unit.CACHE_WRITE_12H,
}


def default_price(listed: Listed) -> contract.AIModelPrice:
    """Shape what a model costs by the shipped lists, without the tiers of long prompts."""
    rates = {name: listed.price.rate(unit) for name, unit in _UNITS.items()}
    return contract.AIModelPrice(
        provider=listed.provider,
        model=listed.model,
        source=contract.PriceSource.DEFAULT,
        updated_at=None,
        **{name: rate.micros if rate else None for name, rate in rates.items()},
    )


def custom_price(row: model_prices.StoredPrice) -> contract.AIModelPrice:
    """Shape what the operator says that a model costs."""
    return contract.AIModelPrice(
        **asdict(row.price),
        source=contract.PriceSource.CUSTOM,
        updated_at=moment(row.updated_at),
    )


def audit_log(row: audit.AuditRow) -> contract.AuditLog:
    """Shape an entry of the audit log."""
    return contract.AuditLog(
        id=row.id,
        time=moment(row.at),
        user=contract.MinimalUser(id=row.actor_id, username=row.actor_username),
        api_key_id=row.token_id,
        ip=row.ip,
        user_agent=row.user_agent,
        action=contract.AuditAction(row.action),
        resource_type=contract.AuditResource(row.resource_type),
        resource_id=row.resource_id,
        resource_target=row.resource_target,
        resource_key=row.resource_key,
        diff=json.loads(row.diff),
        description=row.description,
    )
