"""What is warned about while one case is worked on."""

import logging


class CaseWarnings(logging.Handler):
    """Collect the warnings of a logger into a list, for as long as the context lasts.

    Examples
    --------
    >>> heard: list[str] = []
    >>> with CaseWarnings(heard, logging.getLogger("doc")):
    ...     logging.getLogger("doc").warning("slices are missing")
    >>> heard
    ['slices are missing']
    """

    def __init__(self, into: list[str], logger: logging.Logger) -> None:
        super().__init__(logging.WARNING)
        self.into = into
        self.logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning, in one line; errors are told elsewhere."""
        if record.levelno == logging.WARNING:
            self.into.append(record.getMessage().replace("\n", " "))

    def __enter__(self) -> None:
        self.logger.addHandler(self)

    def __exit__(self, *_: object) -> None:
        self.logger.removeHandler(self)
