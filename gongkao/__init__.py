"""The system itself; `app.py` puts it together."""

import gc

# While modules load hardly anything becomes garbage. Python's own setting (700) looks for it again and again among all
# there is so far: a quarter of the time to start.
gc.set_threshold(10_000)
