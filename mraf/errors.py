"""The package's own family of exceptions: what is wrong, where, and how to mend it."""


class MrafError(Exception):
    """Base of all errors that a user can mend; the command line prints it and exits with code 2."""


class DataError(MrafError):
    """The features, their lists or an archive are not what they should be."""


class RunError(MrafError):
    """A run, a checkpoint or a configuration cannot be used."""
