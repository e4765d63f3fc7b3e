"""For every test: no test is about time, and a busy machine is no failure."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "any machine", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
