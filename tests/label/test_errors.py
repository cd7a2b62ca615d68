import errno

import pytest

from lamina.errors import ConfigError, DataError, GeometryError, WeightsError, not_written
from lamina.label.errors import BusyError, UnknownNameError, status_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnknownNameError("no model"), 404),
        (BusyError("training"), 429),
        (ConfigError("max_epochs"), 400),
        (DataError("values"), 422),
        (GeometryError("grid"), 422),
        (WeightsError("none yet"), 409),
        (not_written("a.nii.gz", OSError(errno.ENOSPC, "full")), 507),
    ],
)
def test_each_mistake_has_its_status(error, status):
    assert status_of(error) == status
