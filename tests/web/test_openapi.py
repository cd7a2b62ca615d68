"""The interface against its own description: requests of every kind that it allows, and others."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as how

from lamina.web.app import create_app
from lamina.web.settings import Settings

from .conftest import running

schemathesis = pytest.importorskip("schemathesis")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")

schema = schemathesis.openapi.from_dict(create_app(Settings()).openapi())


@pytest.fixture(scope="module")
def live(settings, picture, tmp_path_factory):
    """A server that has pictures to draw masks for."""
    folder = tmp_path_factory.mktemp("drawing")
    (folder / "a.png").write_bytes(picture)
    with running(replace(settings, dataset_dir=folder, results_dir=folder)) as address:
        yield address


@schema.parametrize()
@how(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_described(case, live):
    answer = case.call(base_url=live, timeout=60)
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    case.validate_response(
        answer,
        checks=[
            checks.status_code_conformance,
            checks.content_type_conformance,
            checks.response_schema_conformance,
        ],
    )
