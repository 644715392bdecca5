"""Checks that readers run: claims in notebooks and answers to exercises."""


def check(claim, holds):
    """Print `claim: True`, or raise AssertionError when it does not hold.

    claim: one line of text that says what is claimed, with its margin.
    holds: anything whose truth decides; numpy and Spark booleans are fine.
    """
    if not bool(holds):
        raise AssertionError(f"does not hold: {claim}")
    print(f"{claim}: True")
