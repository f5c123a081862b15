"""Which payments are kept, and why: in the words of those who asked for it."""

import json
from dataclasses import dataclass, field

KEEP, DROP, OTHER = "keep", "drop", "other"

# Settings, and what each must be.
_SHAPES = {
    "large": dict,
    "vip_tiers": list,
    "test_merchants": list,
    "max_attempts": int,
    "share_of_others": (int, float),
}


@dataclass(frozen=True)
class Payment:
    """What is known of a payment."""

    status: str
    kind: str = "charge"
    amount: float | None = None
    currency: str = ""
    merchant: str = ""
    tier: str = ""
    attempts: int = 1


@dataclass(frozen=True)
class Rules:
    """`config` of the policy file."""

    # From which amount on a payment is a large one, by currency.
    large: dict[str, float] = field(default_factory=dict)
    # Customers who call if something takes long.
    vip_tiers: frozenset[str] = frozenset()
    # Merchants of test systems: nobody ever looks at their payments.
    test_merchants: frozenset[str] = frozenset()
    # More attempts than this are a story of their own.
    max_attempts: int = 2
    # Share kept of all other payments.
    share_of_others: float = 0.05

    @classmethod
    def parse(cls, text: str) -> "Rules":
        """Reads JSON; ValueError says what is wrong."""
        config = json.loads(text) or {}
        if not isinstance(config, dict):
            raise ValueError("config is no mapping")
        for key, value in config.items():
            if key not in _SHAPES:
                raise ValueError(f"unknown setting {key}; there are {', '.join(_SHAPES)}")
            if not isinstance(value, _SHAPES[key]) or isinstance(value, bool):
                raise ValueError(f"{key}: {json.dumps(value)} is not what it should be")
        for currency, amount in config.get("large", {}).items():
            if not isinstance(amount, (int, float)) or isinstance(amount, bool) or amount <= 0:
                raise ValueError(f"large.{currency} is no amount above 0")
        if not 0 <= config.get("share_of_others", 0) <= 1:
            raise ValueError("share_of_others is not from 0 to 1")
        sets = {key: frozenset(config[key]) for key in ("vip_tiers", "test_merchants") if key in config}
        return cls(**(config | sets))

    def decide(self, payment: Payment) -> tuple[str, str]:
        """What becomes of a payment, and why."""
        if payment.merchant in self.test_merchants:
            return DROP, "a test"
        if payment.status == "declined" and payment.tier in self.vip_tiers:
            return KEEP, f"declined for a {payment.tier} customer"
        if payment.status not in ("captured", "authorized", "declined"):
            return KEEP, f"neither paid nor declined: {payment.status}"
        if payment.kind in ("refund", "chargeback"):
            return KEEP, f"money went back: {payment.kind}"
        if payment.attempts > self.max_attempts:
            return KEEP, f"{payment.attempts} attempts"
        limit = self.large.get(payment.currency)
        if limit is not None and payment.amount is not None and payment.amount >= limit:
            return KEEP, f"large: {payment.amount:g} {payment.currency}"
        return OTHER, ""
