"""The SQL of observing: deduplicate, order, encode. Every step runs on any engine as it stands."""

from typing import Final

from iolaus.store import Pipeline, Step

__all__ = [
    "ACCOUNT_CODES",
    "CODES",
    "NUMBERS",
    "PEOPLE",
    "SURPLUS",
    "account_columns",
    "encoded",
    "ordered",
    "texts_of",
]

CODES: Final = (
    "api_key_id", "channel", "conversation_id", "history_digest", "ip", "ja4", "request_model", "settings",
    "user_agent",
)  # fmt: skip
NUMBERS: Final = (
    "choice_count", "input_tokens", "max_tokens", "output_tokens", "status_code", "tool_count", "turn",
)  # fmt: skip
ACCOUNT_CODES: Final = ("email_domain", "org_id", "payment_fingerprint", "referrer", "signup_ip")

# Rows that repeat an exchange id: the least row by content stays, whatever the order in which they came.
SURPLUS: Final = Pipeline(
    (
        Step("repeated", "SELECT exchange_id FROM raw GROUP BY exchange_id HAVING count(*) > 1"),
        Step(
            "ranked",
            """SELECT r.rid, r.exchange_id, row_number() OVER (
                PARTITION BY r.exchange_id
                ORDER BY r.at, r.account_id, r.prompt, r.response, r.conversation_id, r.turn, r.api_key_id, r.ip,
                    r.user_agent, r.request_model, r.rid
            ) AS place FROM raw r JOIN repeated d ON r.exchange_id = d.exchange_id""",
        ),
        Step("surplus", "SELECT rid, exchange_id FROM ranked WHERE place > 1"),
    )
)

_NUMBERED: Final = Step(
    "ordered",
    """SELECT r.rid, row_number() OVER (ORDER BY r.at, r.exchange_id) - 1 AS x
    FROM raw r LEFT JOIN surplus s ON r.rid = s.rid WHERE s.rid IS NULL""",
)

# Every account that the log or the table names, in the order of its id.
PEOPLE: Final = Pipeline(
    (
        Step("named", "SELECT account_id FROM raw UNION SELECT account_id FROM account_table"),
        Step("people", "SELECT account_id, row_number() OVER (ORDER BY account_id) - 1 AS account FROM named"),
    )
)

_SETTINGS: Final = """CASE WHEN r.temperature IS NULL AND r.max_tokens IS NULL THEN NULL ELSE
    concat(coalesce(CAST(CAST(round(r.temperature * 1000) AS BIGINT) AS VARCHAR), '-'), '/',
        coalesce(CAST(r.max_tokens AS VARCHAR), '-'), '/', coalesce(CAST(r.choice_count AS VARCHAR), '-')) END"""


def ordered() -> Pipeline:
    """Rows that stay, numbered by time, then exchange id."""
    return Pipeline((_NUMBERED,))


def encoded() -> Pipeline:
    """The log in its order, each column of categories as codes in the order of its values."""
    source = ", ".join(f"{_SETTINGS} AS settings" if name == "settings" else f"r.{name}" for name in CODES)
    numbers = ", ".join(f"r.{name}" for name in NUMBERS)
    steps = [
        Step(
            "narrow",
            f"""SELECT o.x, o.rid, r.exchange_id, p.account, r.at, r.item, r.tokens, r.flags, {source}, {numbers}
            FROM ordered o JOIN raw r ON o.rid = r.rid JOIN people p ON r.account_id = p.account_id""",
        )
    ]
    for name in CODES:
        steps.append(Step(f"{name}_values", f"SELECT DISTINCT {name} AS value FROM narrow WHERE {name} IS NOT NULL"))
        steps.append(
            Step(
                f"{name}_codes",
                f"SELECT value, row_number() OVER (ORDER BY value) - 1 AS code FROM {name}_values",
            )
        )
    columns = ", ".join(f"coalesce({name}_codes.code, -1) AS {name}" for name in CODES)
    joins = " ".join(f"LEFT JOIN {name}_codes ON n.{name} = {name}_codes.value" for name in CODES)
    plain = ", ".join(f"coalesce(CAST(n.{name} AS INTEGER), -1) AS {name}" for name in NUMBERS)
    steps.append(
        Step(
            "encoded",
            f"""SELECT n.x, n.rid, n.exchange_id, n.account, n.at, n.item, n.tokens, n.flags, {columns}, {plain}
            FROM narrow n {joins} ORDER BY n.x""",
        )
    )
    return Pipeline(tuple(steps))


def account_columns() -> Pipeline:
    """One row an account, in the order of account ids, with the account table's columns."""
    columns = ", ".join(f"a.{name}" for name in ACCOUNT_CODES)
    return Pipeline(
        (
            Step(
                "account_columns",
                f"""SELECT p.account_id, a.created_at, a.closed_at, {columns}
                FROM people p LEFT JOIN account_table a ON p.account_id = a.account_id ORDER BY p.account""",
            ),
        )
    )


def texts_of() -> Pipeline:
    """Texts of the exchanges in the table ``wanted`` (column x)."""
    return Pipeline(
        (
            Step(
                "texts",
                """SELECT w.x, r.prompt, r.response FROM wanted w JOIN ordered o ON w.x = o.x
                JOIN raw r ON o.rid = r.rid ORDER BY w.x""",
            ),
        )
    )
