"""Every deliberate error. Shells catch `AppError` and print its text; anything else is a bug and must show.

A message says what, where, why and what to do next, in the user's language.
"""


class AppError(Exception):
    """Any mistake that the person in front of the screen can mend."""


class InputError(AppError, ValueError):
    """A file, row or argument is not what was asked for."""


class CRSError(AppError, ValueError):
    """A coordinate system is missing, wrong or mixed."""


class PolicyError(AppError, ValueError):
    """A policy profile is incomplete or contradicts itself."""


class StoreError(AppError, RuntimeError):
    """The office folder or its ledger cannot be read or written."""


class AccessError(AppError, PermissionError):
    """The person may not see or do this."""
