"""What every test shares: threads that do not fight over the machine's cores."""

import os

# Before torch is loaded: two test processes of two spinning threads each run several times slower on two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
