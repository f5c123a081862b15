import unittest

from policy import Settings, decide

SETTINGS = Settings.parse('{"min_services": 4, "min_services_of_errors": 2}')


class PolicyTest(unittest.TestCase):
    def test_wide_traces_are_kept(self):
        self.assertEqual(decide(SETTINGS, 4, False), "sample")
        self.assertEqual(decide(SETTINGS, 3, False), "abstain")

    def test_failed_traces_need_fewer_services(self):
        self.assertEqual(decide(SETTINGS, 2, True), "sample")
        self.assertEqual(decide(SETTINGS, 1, True), "abstain")

    def test_settings_that_make_no_sense_are_refused(self):
        for wrong in ["null", "{}", '{"min_services": 1}', '{"min_service": 4}', "{"]:
            with self.subTest(wrong), self.assertRaises(ValueError):
                Settings.parse(wrong)


if __name__ == "__main__":
    unittest.main()
