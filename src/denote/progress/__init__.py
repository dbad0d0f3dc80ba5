"""Say what is being done and how long it takes: steps inside steps, and a place where they are shown.

A step costs a few microseconds and knows nothing of what shows it. Where nothing was asked to show steps (a library, a
test, a forked process, a thread of a pool) nothing is shown.
"""

from denote.progress.display import hide, shown
from denote.progress.steps import advance, counted, discount, step

__all__ = ["advance", "counted", "discount", "hide", "shown", "step"]
