import logging

import pytest

from lamina.output.case_warnings import CaseWarnings

logger = logging.getLogger("test_case_warnings")


def test_only_warnings_and_only_within():
    heard = []
    logger.warning("before")
    with CaseWarnings(heard, logger):
        logger.info("a note")
        logger.warning("two\nlines of %d", 7)
        logger.error("an error")
        logging.getLogger("test_case_warnings.inner").warning("from within")
    logger.warning("behind")
    assert heard == ["two lines of 7", "from within"]


def test_it_ends_with_an_exception_too():
    heard = []
    with pytest.raises(RuntimeError), CaseWarnings(heard, logger):
        raise RuntimeError
    logger.warning("behind")
    assert heard == []
    assert not logger.handlers
