"""What calls are made for, as headers say."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.agents.annotations import (
    HEADER,
    MAX_BYTES,
    MAX_CHARACTERS,
    MAX_VALUES,
    Annotations,
    annotations_of,
    repository,
)
from aibridge.dialects.facts import Notes

REPO = "github.com/acme/shop"
SAID = {"repo": REPO, "branch": "main", "github_pr_urls": ["b", "a"], "linear_issue_ids": ["E-1"]}
TURN = b"x-codex-turn-metadata"
LONG = "x" * (MAX_CHARACTERS + 1)


def read(value: bytes | str | dict[str, Any], turn: object = None) -> Any:
    """Return the annotations of a header's value, and the keys that notes tell of."""
    text = json.dumps(value) if isinstance(value, dict) else value
    headers = {HEADER: text.encode() if isinstance(text, str) else text}
    if turn is not None:
        headers[TURN] = json.dumps(turn).encode()
    notes = Notes()
    found = annotations_of(headers, notes)
    assert all(note.startswith("X-AI-Bridge-Annotations: ") for note in notes)
    return found, [note.removeprefix("X-AI-Bridge-Annotations: ").split()[0] for note in notes]


def codex(**urls: object) -> dict[str, Any]:
    """Return the metadata of a turn in workspaces with these remotes, by their folders."""
    workspaces = {
        folder: {"associated_remote_urls": url if isinstance(url, dict) else {"origin": url}}
        for folder, url in urls.items()
    }
    return {"request_kind": "turn", "workspaces": workspaces}


def test_all_of_it_is_read_also_percent_encoded_and_lists_each_once_ascending() -> None:
    expected = Annotations(REPO, "main", ("a", "b"), ("E-1",))
    assert read(SAID) == (expected, [])
    assert read(quote(json.dumps(SAID))) == (expected, [])
    assert read(SAID | {"github_pr_urls": ["b", "a", "b"]}) == (expected, [])
    assert read('{"branch":"für-später"}') == (Annotations(branch="für-später"), [])


def test_without_the_header_or_without_anything_in_it_there_are_none() -> None:
    notes = Notes()
    assert annotations_of({b"user-agent": b"x"}, notes) is None
    assert read("{}") == read({"repo": "", "branch": None, "github_pr_urls": []}) == (None, [])
    assert notes == []


@pytest.mark.parametrize(
    ("value", "noted"),
    [
        (b"", ["it"]),
        (b"main", ["it"]),
        (b"[]", ["it"]),
        (b"{", ["it"]),
        (b'{"repo":"\xff"}', ["it"]),
        (b'{"a":' * 1500, ["it"]),
        (b'{"branch":"' + b"x" * MAX_BYTES + b'"}', ["it"]),
        (b"%7B%22repo%22%3A%ff%7D", ["it"]),
        ({"repo": 7}, ["repo"]),
        ({"repo": LONG, "branch": ["main"]}, ["repo", "branch"]),
        ({"branch": "a\u0000b"}, ["branch"]),
        (b'{"branch":"a\\nb"}', ["branch"]),
        (
            {"github_pr_urls": "a", "linear_issue_ids": {}},
            ["github_pr_urls", "linear_issue_ids"],
        ),
        ({"linear_issue_ids": [LONG, None]}, ["linear_issue_ids"]),
        ({"project": "x"}, ["it"]),
    ],
)
def test_what_is_not_valid_is_noted_and_left_out(value: Any, noted: list[str]) -> None:
    assert read(value) == (None, noted)


def test_what_is_valid_of_it_is_kept() -> None:
    ids = [f"E-{number:02}" for number in range(MAX_VALUES + 1)]
    found, noted = read({"repo": 1, "branch": "main", "linear_issue_ids": ids, "other": 1})
    assert found == Annotations(branch="main", issues=tuple(ids[:MAX_VALUES]))
    assert noted == ["it", "repo", "linear_issue_ids"]
    found, _ = read({"github_pr_urls": ["a", 1, "b" * MAX_CHARACTERS, LONG]})
    assert found == Annotations(pull_requests=("a", "b" * MAX_CHARACTERS))


@pytest.mark.parametrize(
    "said",
    [
        "https://github.com/acme/shop",
        "https://github.com/acme/shop.git",
        "https://GitHub.com:443/acme/shop/",
        "https://ana:ghp_secret@github.com/acme/shop.git",
        "https://ghp_secret@github.com/acme/shop",
        "https://ana:p/w?r#d@github.com/acme/shop",
        "https://github.com/acme/shop?access_token=secret#x",
        "ssh://git@github.com:22/acme/shop.git",
        "git@github.com:acme/shop.git",
        "git@github.com:/acme/shop.git",
        "ana:secret@github.com/acme/shop",
        "github.com:acme/shop",
        " github.com/acme/shop ",
    ],
)
def test_a_repository_is_a_path_without_credentials(said: str) -> None:
    assert repository(said) == REPO


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Acme/Shop", "Acme/Shop"),
        ("shop.git", "shop.git"),
        ("https://GIT.example/Acme/Group/Shop.git", "git.example/Acme/Group/Shop"),
        ("/srv/git/shop.git", "srv/git/shop"),
        ("file:///srv/git/shop.git", "srv/git/shop"),
        ("", ""),
    ],
)
def test_what_else_a_repository_may_be_called(said: str, kept: str) -> None:
    assert repository(said) == kept


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="@"), max_size=30))
def test_nothing_before_an_at_sign_is_kept_of_an_address(secret: str, rest: str) -> None:
    for scheme in ("https://", "https://ana:https://", ""):
        url = f"{scheme}s3cr3t{secret}@{rest.replace('s3cr3t', '')}"
        assert "s3cr3t" not in repository(url)
        found, _ = read({"github_pr_urls": [url]})
        assert "s3cr3t" not in repr(found)


def test_addresses_of_pull_requests_have_no_credentials_and_branches_no_prefix() -> None:
    found, noted = read(
        {
            "branch": "refs/heads/mend-it",
            "github_pr_urls": ["https://ana:secret@github.com/acme/shop/pull/7/?x=secret#files"],
        }
    )
    assert found == Annotations("", "mend-it", ("https://github.com/acme/shop/pull/7",))
    assert noted == []


@pytest.mark.parametrize(
    ("turn", "repo"),
    [
        (codex(a="git@github.com:acme/shop.git"), REPO),
        (codex(a={"fork": "x/y", "origin": "https://t@github.com/acme/shop"}), REPO),
        (codex(a={"upstream": "https://github.com/acme/shop.git"}), REPO),
        (codex(a="git@github.com:acme/shop.git", b="https://github.com/acme/shop"), REPO),
        (codex(a="git@github.com:acme/shop.git", b="https://github.com/acme/site"), ""),
        (codex(a="git@github.com:acme/shop.git", b={}), REPO),
        (codex(a=7), ""),
        (codex(a={"origin": LONG}), ""),
        ({"workspaces": {"associated_remote_urls": []}}, ""),
        ({"workspaces": ["associated_remote_urls"]}, ""),
        ({"associated_remote_urls": {}}, ""),
    ],
)
def test_codex_says_of_which_repository_its_workspace_is(turn: object, repo: str) -> None:
    found = annotations_of({TURN: json.dumps(turn).encode()}, notes := Notes())
    assert (found, notes) == (Annotations(repo) if repo else None, [])


def test_what_the_person_says_counts_more_than_what_the_agent_does() -> None:
    turn = codex(a="git@github.com:acme/shop.git")
    assert read({"repo": "acme/site"}, turn) == (Annotations("acme/site"), [])
    assert read({"branch": "main"}, turn) == (Annotations(REPO, "main"), [])
    assert read("{", turn) == (Annotations(REPO), ["it"])


def test_metadata_of_codex_that_cannot_be_read_say_nothing() -> None:
    for value in (b'{"associated_remote_urls"', b'["associated_remote_urls"]', b""):
        assert annotations_of({TURN: value}, notes := Notes()) is None
        assert notes == []


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_no_header_is_too_strange(ours: bytes, turn: bytes) -> None:
    headers = {HEADER: ours, TURN: b'"associated_remote_urls"' + turn}
    annotations_of(headers, Notes())
