"""Rows of people, groups, budgets and acts to the models of the contract."""

import json
from collections.abc import Iterable

from aibridge import contract
from aibridge.identity.issuing import Issued
from aibridge.sessions.shape import moment
from aibridge.sessions.shape import user as minimal_user
from aibridge.store import audit, budgets, groups, tokens, users
from aibridge.store.groups import EVERYONE
from aibridge.store.interceptions import UserRow

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
    return contract.User(
        id=row.id,
        username=row.username,
        name=row.name,
        email=row.email,
        avatar_url=row.avatar_url,
        status=contract.UserStatus(row.status),
        roles=[
            contract.Role(name=role, display_name=_ROLE_NAMES[role]) for role in sorted(row.roles)
        ],
        organization_ids=[ORGANIZATION.id],
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


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


def group_detail(row: groups.Group, members: Iterable[UserRow]) -> contract.GroupDetail:
    """Shape a group with its members."""
    shown = [minimal_user(member) for member in members]
    return contract.GroupDetail(**dict(group(row)), members=shown)


def group_budget(row: budgets.GroupBudget) -> contract.GroupAIBudget:
    """Shape the budget of a group."""
    return contract.GroupAIBudget(
        group_id=row.group_id,
        spend_limit_micros=row.spend_limit_micros,
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
        diff=json.loads(row.diff),
        description=row.description,
    )
