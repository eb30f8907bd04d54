"""What schemathesis is told beyond the description: how to log in, and what a search looks like.

It runs in schemathesis' own process (SCHEMATHESIS_HOOKS).
"""

import os
from typing import Any

import httpx
import schemathesis
from hypothesis import strategies as st

LOGIN = "/api/v2/users/login"
KEYS = ("provider", "provider_name", "model", "client", "session_id", "username", "resource_id")


class Login:
    """Logs in, anew after every change: one of them deletes the token it is made with."""

    token = ""

    def get(self, _case: Any, _context: Any) -> str:
        if not Login.token:
            account = {"email": "admin", "password": os.environ["BRIDGE_PASSWORD"]}
            answer = httpx.post(os.environ["BRIDGE_URL"] + LOGIN, json=account)
            Login.token = answer.raise_for_status().json()["session_token"]
        return Login.token

    def set(self, case: Any, data: str, _context: Any) -> None:
        case.headers = {**(case.headers or {}), "Coder-Session-Token": data}


schemathesis.auth(refresh_interval=None)(Login)


@schemathesis.hook
def after_call(_context: Any, case: Any, _response: Any) -> None:
    if case.method != "GET":
        Login.token = ""


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
quoted = words.map(lambda text: '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"')
terms = st.tuples(st.sampled_from(["", "-"]), st.sampled_from(KEYS), quoted)
queries = st.lists(terms.map(lambda term: f"{term[0]}{term[1]}:{term[2]}"), max_size=3)
schemathesis.openapi.format("aibridge-search", queries.map(" ".join))
