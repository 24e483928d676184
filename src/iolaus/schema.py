"""The contract's tables: what a log of exchanges and a table of accounts hold, and what comes out.

Types are Arrow's. Timestamps are UTC microseconds. A column that is not required may be absent or null.
"""

from typing import Final

import pyarrow as pa

__all__ = [
    "ACCOUNTS",
    "ACCOUNTS_OUT",
    "CAMPAIGNS_SCHEMA",
    "EXCHANGES",
    "EXCHANGES_OUT",
    "REFUSED",
    "REQUIRED",
    "TIMESTAMP",
    "TRUTH_ACCOUNTS",
    "TRUTH_EXCHANGES",
    "VERDICTS",
]

TIMESTAMP: Final = pa.timestamp("us", tz="UTC")
CAMPAIGNS_SCHEMA: Final = "iolaus.campaigns/1"

EXCHANGES: Final = pa.schema(
    [
        pa.field("exchange_id", pa.string(), nullable=False),
        pa.field("timestamp", TIMESTAMP, nullable=False),
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("api_key_id", pa.string()),
        pa.field("conversation_id", pa.string()),
        pa.field("turn", pa.int32()),
        pa.field("history_digest", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("request_model", pa.string()),
        pa.field("system", pa.string()),
        pa.field("response", pa.string()),
        pa.field("input_tokens", pa.int32()),
        pa.field("output_tokens", pa.int32()),
        pa.field("temperature", pa.float64()),
        pa.field("max_tokens", pa.int32()),
        pa.field("choice_count", pa.int32()),
        pa.field("tool_count", pa.int32()),
        pa.field("stream", pa.bool_()),
        pa.field("status_code", pa.int16()),
        pa.field("ip", pa.string()),
        pa.field("country", pa.string()),
        pa.field("user_agent", pa.string()),
        pa.field("ja4", pa.string()),
        pa.field("asn", pa.int64()),
    ]
)

ACCOUNTS: Final = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("created_at", TIMESTAMP),
        pa.field("closed_at", TIMESTAMP),
        pa.field("org_id", pa.string()),
        pa.field("plan", pa.string()),
        pa.field("country", pa.string()),
        pa.field("referrer", pa.string()),
        pa.field("email_domain", pa.string()),
        pa.field("signup_ip", pa.string()),
        pa.field("payment_fingerprint", pa.string()),
    ]
)

REQUIRED: Final = {
    "exchanges": tuple(f.name for f in EXCHANGES if not f.nullable),
    "accounts": ("account_id",),
}

# A request answered with one of these was refused by the provider.
REFUSED: Final = (403, 429)

VERDICTS: Final = ("distillation_campaign", "coordinated_open", "coordinated_other", "inconclusive")

ACCOUNTS_OUT: Final = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("campaign_id", pa.string()),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("verdict", pa.string()),
    ]
)
EXCHANGES_OUT: Final = pa.schema(
    [
        pa.field("exchange_id", pa.string(), nullable=False),
        pa.field("campaign_id", pa.string(), nullable=False),
    ]
)

TRUTH_ACCOUNTS: Final = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("operator_id", pa.string()),
        pa.field("kind", pa.string(), nullable=False),
    ]
)
TRUTH_EXCHANGES: Final = pa.schema(
    [
        pa.field("exchange_id", pa.string(), nullable=False),
        pa.field("operator_id", pa.string()),
        pa.field("harvested", pa.bool_(), nullable=False),
    ]
)
