import pytest

from tests.listener.both_ways import Plan, serving


@pytest.fixture(scope="module")
def shared():
    with serving() as running:
        yield running


@pytest.fixture
def running(shared):
    app = shared.app
    app.plan, app.serve = Plan(), None
    app.heads.clear()
    app.scopes.clear()
    return shared
