"""Checks that readers run: claims in notebooks and answers to exercises."""

import inspect

LINE = "...  # your answer"  # a blank in a function of an exercise sheet


def check(claim, holds):
    """Print `claim: True`, or raise AssertionError when it does not hold.

    claim: one line of text that says what is claimed, with its margin.
    holds: anything whose truth decides; numpy and Spark booleans are fine.
    """
    if not bool(holds):
        raise AssertionError(f"does not hold: {claim}")
    print(f"{claim}: True")


def exercise(number, answers, test):
    """Print whether an exercise is solved, and a hint if it is not; never raise.

    number: the exercise's number on its sheet.
    answers: the reader's answer, or a tuple of several. Not given yet is `...`, and a
        function in which the line `...  # your answer` still stands.
    test: a function of the answers whose AssertionErrors say what is still wrong.
    """
    answers = answers if isinstance(answers, tuple) else (answers,)
    if any(answer is ... for answer in answers):
        print(f"Exercise {number}: not answered yet")
        return
    if any(_blank(answer) for answer in answers):
        print(f"Exercise {number}: not answered yet: replace the line `{LINE}`")
        return
    try:
        test(*answers)
    except Exception as error:  # a reader's code may fail in any way
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        print(f"Exercise {number}: not solved yet. {kind}{error}")
    else:
        print(f"Exercise {number}: solved")


def _blank(answer):
    """Return whether this is a function in which the blank line still stands."""
    try:
        return inspect.isfunction(answer) and LINE in inspect.getsource(answer)
    except OSError:  # its source is not known, so it is from no cell of a sheet
        return False
