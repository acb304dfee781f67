"""Background work with progress: what a request would take too long for."""
