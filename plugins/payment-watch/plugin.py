"""Keeps the payments that somebody will ask about. This file reads traces; `rules.py` has what the business says."""

import rules
from componentize_py_types import Err
from wit_world.imports import host


# Set once: `configure` is called before anything else. Not in WitWorld: each call has a new one.
in_force: rules.Rules


class WitWorld:
    def configure(self, config: str) -> None:
        global in_force
        try:
            in_force = rules.Rules.parse(config)
        except ValueError as error:
            # Shown at the policy's place in its file.
            raise Err(str(error))

    def evaluate(self, trace: host.Trace) -> host.Verdict:
        payment = read(trace)
        if payment is None:
            return host.Verdict_Abstain()
        action, reason = in_force.decide(payment)
        if action == rules.DROP:
            return host.Verdict_Drop()
        if action == rules.KEEP:
            host.log(host.Level.INFO, reason)
            return host.Verdict_Sample()
        return host.Verdict_SampleWithProbability(in_force.share_of_others)


def read(trace: host.Trace) -> rules.Payment | None:
    """The payment that a trace is about: its attributes are on the span that made it. None if there is none.

    The last attempt counts, so that a payment that was declined and then went through is one that went through.
    """
    # Most traces are no payments: one call into the host tells.
    if not trace.has_attribute(host.Scope.ANY, "payment.status"):
        return None
    latest = None
    attempts = 0
    with trace.spans() as spans:
        while spans.next():
            status = spans.attribute("payment.status")
            if status is None:
                continue
            attempts += 1
            # Spans come in any order: of two that end together the ID decides.
            key = (spans.end_unix_ns(), spans.id())
            if latest is None or key > latest[0]:
                latest = (key, status, spans.index())
        if latest is None:
            # It was on a resource.
            return None
        _, status, index = latest
        spans.seek(index)
        return rules.Payment(
            status=status,
            kind=spans.attribute("payment.kind") or "charge",
            amount=spans.attribute_number("payment.amount"),
            currency=spans.attribute("payment.currency") or "",
            merchant=spans.attribute("merchant.id") or "",
            tier=spans.attribute("customer.tier") or "",
            attempts=attempts,
        )
