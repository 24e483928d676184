"""Acting on findings: policy, published snapshot, gateway, audit log and appeals."""

from iolaus.enforce.audit import AuditLog, verify
from iolaus.enforce.gateway import Gateway
from iolaus.enforce.guard import Guard, Ruling
from iolaus.enforce.identity import by_key, by_trusted_header, key_digest, read_keys
from iolaus.enforce.snapshot import Row, Snapshot, Treatment, read_snapshot, write_snapshot

__all__ = [
    "AuditLog",
    "Gateway",
    "Guard",
    "Row",
    "Ruling",
    "Snapshot",
    "Treatment",
    "by_key",
    "by_trusted_header",
    "key_digest",
    "read_keys",
    "read_snapshot",
    "verify",
    "write_snapshot",
]
