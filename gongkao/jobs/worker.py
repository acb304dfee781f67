"""The worker: `flask worker`. One a machine; it makes papers on several processes and can be killed at any moment."""

import os

from gongkao.documents.batch import Press
from gongkao.jobs.queue import queue

# Jobs done at the same time, so that a long one does not keep the short ones waiting.
_AT_ONCE = 2


def work(processes: int) -> None:
    """Take up what was left and serve until stopped. `processes` make the papers."""
    jobs = queue()
    with Press(processes) as press:
        jobs.press = press
        jobs.take_up()
        consumer = jobs.huey.create_consumer(workers=_AT_ONCE, periodic=True, initial_delay=0.1, max_delay=1.0)
        consumer.run()


def usual_processes() -> int:
    """As many as the machine has processors, two at least."""
    return max(2, os.cpu_count() or 2)
