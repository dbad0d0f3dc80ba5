"""What every test shares: threads that do not fight over the machine's cores, and cases that may take their time."""

import os

# Before torch is loaded: two test processes of two spinning threads each run several times slower on two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings

# How long a case takes on a busy machine is for benchmarks to say; equal cases make equal runs of the suite.
settings.register_profile("patient", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
