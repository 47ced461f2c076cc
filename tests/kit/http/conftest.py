"""Hypothesis on a machine that others use too: slow is no failure, and no file is left behind."""

from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
