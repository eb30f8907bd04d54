"""What the room imports: rows are rated in processes that must stay small."""

import subprocess
import sys
from pathlib import Path

import aibridge.prices

MODULES = sorted(
    f"aibridge.prices.{path.stem}"
    for path in Path(aibridge.prices.__file__).parent.glob("*.py")
    if path.stem != "__init__"
)
IMPORT = f"""
import sys
import {", ".join(MODULES)}
print(*sys.modules)
"""


def test_rating_imports_neither_the_package_of_the_lists_nor_another_room() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT], stdout=subprocess.PIPE, check=True)
    names = set(done.stdout.decode().split())
    assert set(MODULES) <= names
    assert names & {"genai_prices", "pydantic", "httpx", "httpx2", "sqlalchemy"} == set()
    rooms = {name.split(".")[1] for name in names if name.startswith("aibridge.")}
    assert rooms == {"prices", "dialects"}


def test_no_module_computes_with_floats() -> None:
    for name in MODULES:
        path = Path(aibridge.prices.__file__).with_name(f"{name.rpartition('.')[2]}.py")
        code = compile(path.read_text(), str(path), "exec")
        assert not list(floats(code)), name


def floats(code: object) -> list[float]:
    found = []
    for const in getattr(code, "co_consts", ()):
        found += [const] if isinstance(const, float) else floats(const)
    return found
