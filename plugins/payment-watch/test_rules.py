import json
import unittest

from rules import DROP, KEEP, OTHER, Payment, Rules

CONFIG = {
    "large": {"EUR": 500, "JPY": 80000},
    "vip_tiers": ["gold"],
    "test_merchants": ["acme-test"],
    "share_of_others": 0.02,
}
RULES = Rules.parse(json.dumps(CONFIG))


def action(**payment):
    return RULES.decide(Payment(**payment))[0]


class RulesTest(unittest.TestCase):
    def test_large_payments_are_kept_by_currency(self):
        self.assertEqual(action(status="captured", amount=500, currency="EUR"), KEEP)
        self.assertEqual(action(status="captured", amount=500, currency="JPY"), OTHER)
        self.assertEqual(action(status="captured", amount=500, currency="USD"), OTHER)
        self.assertEqual(action(status="captured", currency="EUR"), OTHER)

    def test_a_declined_payment_is_kept_for_customers_who_call(self):
        self.assertEqual(action(status="declined", tier="gold"), KEEP)
        self.assertEqual(action(status="declined", tier="basic"), OTHER)

    def test_payments_that_never_ended_are_kept(self):
        self.assertEqual(action(status="pending"), KEEP)
        self.assertEqual(action(status="authorized"), OTHER)

    def test_money_that_went_back_is_kept(self):
        self.assertEqual(action(status="captured", kind="refund"), KEEP)
        self.assertEqual(action(status="captured", kind="chargeback"), KEEP)

    def test_many_attempts_are_kept(self):
        self.assertEqual(action(status="captured", attempts=3), KEEP)
        self.assertEqual(action(status="captured", attempts=2), OTHER)

    def test_tests_are_dropped_whatever_else_they_are(self):
        self.assertEqual(action(status="pending", merchant="acme-test", tier="gold"), DROP)

    def test_without_a_config_the_defaults_hold(self):
        self.assertEqual(Rules.parse("null"), Rules())

    def test_settings_that_make_no_sense_are_refused_by_name(self):
        for wrong, named in [
            ({"larg": {}}, "larg"),
            ({"large": [1]}, "large"),
            ({"large": {"EUR": "500"}}, "large.EUR"),
            ({"share_of_others": 5}, "share_of_others"),
            ({"max_attempts": True}, "max_attempts"),
            ([1], "mapping"),
        ]:
            with self.subTest(wrong), self.assertRaisesRegex(ValueError, named):
                Rules.parse(json.dumps(wrong))


if __name__ == "__main__":
    unittest.main()
