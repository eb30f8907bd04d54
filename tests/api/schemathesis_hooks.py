"""What schemathesis is told beyond the description: how to log in, and what a search looks like.

It runs in schemathesis' own process (SCHEMATHESIS_HOOKS).
"""

import os
from typing import Any

import httpx
import schemathesis
from hypothesis import strategies as st

KEYS = ("status:active", "-status:suspended", "role:owner", "-role:auditor")
"""Terms of the list of users; the others are added by what they are for."""


class Login:
    """Logs in anew for every request: some of them delete the token they are made with."""

    def get(self, _case: Any, _context: Any) -> str:
        account = {"email": "admin", "password": os.environ["BRIDGE_PASSWORD"]}
        answer = httpx.post(f"{os.environ['BRIDGE_URL']}/api/v2/users/login", json=account)
        return str(answer.raise_for_status().json()["session_token"])

    def set(self, case: Any, data: str, _context: Any) -> None:
        case.headers = {**(case.headers or {}), "Coder-Session-Token": data}


schemathesis.auth(refresh_interval=None)(Login)

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
quoted = words.map(lambda text: '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"')
schemathesis.openapi.format("aibridge-search", st.just(""))
