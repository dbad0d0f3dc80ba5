"""The report and the summary are written from tables: drawing, training and sweeping libraries stay unloaded."""

import subprocess
import sys


def test_reporting_loads_no_heavy_library() -> None:
    code = (
        "import sys, denote.figures, denote.reporting.report, denote.reporting.terminal; "
        "print(sorted({'matplotlib', 'torch', 'hydra', 'wandb', 'scipy.stats'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
