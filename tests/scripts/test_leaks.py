import pytest

from scripts import leaks

KIND = "mirror"  # in pieces, as this file is looked through too
INDEX = f"https://{KIND}.example.com/root"


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Say which lines of a file are found fault with."""
    monkeypatch.setattr(leaks, "ROOT", tmp_path)

    def lines(text, words=()):
        file = tmp_path / "file.txt"
        file.write_text(text)
        places = leaks.places(file, leaks.pattern(words))
        return [int(place.rpartition(":")[2]) for place in places]

    return lines


@pytest.mark.parametrize(
    "line",
    [
        f"--index-url {INDEX}",
        f"  --extra-index-url {INDEX}",
        "--find-links wheels",
        f"index-url = {INDEX}",
        f"see {INDEX} for it",
        "[[tool.uv.index]]",
    ],
)
def test_an_index_or_a_mirror_is_found_with_its_line(found, line):
    assert found(f"requests==2.0\n{line}\n") == [2]


def test_ordinary_addresses_and_words_pass(found):
    assert found("https://api.example.com/v1\nthe index of a mirror image in a registry\n") == []


def test_what_this_machine_is_set_up_with_is_found(found, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@wheels.example.net/all")
    words = list(leaks.own_words())
    assert "wheels.example.net" in words
    assert found("fetched from wheels.example.net\n", words) == [1]
