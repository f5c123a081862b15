"""Where Tailsieve calls: reads what the policy needs to know of a trace. What it makes of that is in `policy.py`.

`wit_world` and `componentize_py_types` come with componentize-py, when the component is built.
"""

import policy
from componentize_py_types import Err
from wit_world.imports import host

VERDICTS = {
    "sample": host.Verdict_Sample(),
    "abstain": host.Verdict_Abstain(),
}


# Set once: `configure` is called before anything else. Not in WitWorld: each call has a new one.
settings: policy.Settings


class WitWorld:
    def configure(self, config: str) -> None:
        global settings
        try:
            settings = policy.Settings.parse(config)
        except ValueError as error:
            # Shown at the policy's place in its file.
            raise Err(str(error))

    def evaluate(self, trace: host.Trace) -> host.Verdict:
        services = len(trace.services())
        verdict = policy.decide(settings, services, trace.has_error())
        if verdict == "sample":
            host.log(host.Level.DEBUG, f"{services} services")
        return VERDICTS[verdict]
