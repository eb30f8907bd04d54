"""The audit log: who changed what, when, and from where."""

from typing import Any

from aibridge.contract.base import Id, MinimalUser, Model, Open, OptionalText, Page, Time
from aibridge.contract.words import AuditAction, AuditResource


class AuditDiffField(Model):
    """What a field was and became; of a ``secret`` one neither is told."""

    old: Any
    new: Any
    secret: bool


class AuditLog(Model):
    """One administrative act.

    ``user`` is who acted; its id is the nil UUID for the command line on the bridge's own
    machine, and for a first user who made themselves. ``resource_id`` is the resource's id, or a
    UUID that follows from it where it is none: that of a token, or what a provider keeps, is the
    ``resource_key`` then. ``resource_target`` names the resource as it was called. ``ip`` is empty
    where nothing came over the network.
    """

    id: Id
    time: Time
    user: MinimalUser
    api_key_id: str
    ip: str
    user_agent: str
    action: Open[AuditAction]
    resource_type: Open[AuditResource]
    resource_id: Id
    resource_target: str
    resource_key: OptionalText = None
    diff: dict[str, AuditDiffField]
    description: str


class AuditLogList(Page[AuditLog]):
    """A page of the audit log, newest first."""

    audit_logs: list[AuditLog]

    @property
    def items(self) -> list[AuditLog]:
        """The items of the page."""
        return self.audit_logs
