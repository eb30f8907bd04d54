import pytest

from aibridge import __version__
from tests.api.people_api import Api


@pytest.mark.parametrize("who", [None, "ann"])
async def test_anybody_is_told_the_release_and_how_to_log_in(api: Api, who: str | None) -> None:
    build = await api.get(who, "/buildinfo")
    assert build["version"] == f"v{__version__}"
    assert build["dashboard_url"] == build["external_url"] == "http://bridge"
    methods = await api.get(who, "/users/authmethods")
    assert {name: method["enabled"] for name, method in methods.items()} == {
        "password": True,
        "github": False,
        "oidc": False,
    }


async def test_nothing_needs_a_licence_and_nothing_is_an_experiment(api: Api) -> None:
    found = await api.get("ann", "/entitlements")
    assert found["has_license"]
    assert (found["errors"], found["warnings"], found["trial"]) == ([], [], False)
    assert found["features"]["aibridge"] == {"entitlement": "entitled", "enabled": True}
    assert await api.get("ann", "/experiments") == []
    for path in ("/entitlements", "/experiments"):
        await api.refused(401, None, "GET", path)
