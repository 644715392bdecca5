"""Rules on single flights, used inside tasks."""

MINUTES = 15


def is_late(arr_delay):
    """Return whether a flight counts as late; one that never arrived does not."""
    return arr_delay is not None and arr_delay > MINUTES
