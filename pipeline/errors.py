"""What can go wrong in our own house (the client's faults are `calc.errors`)."""


class PipelineError(Exception):
    """Base of the errors of this room."""


class SettingsError(PipelineError):
    """A setting is wrong; the message names the variable, its value and what is allowed."""


class StoreAway(PipelineError):
    """Redis does not answer, refuses writes or is loading: nothing is known to have been done."""
