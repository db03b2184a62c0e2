"""Write the test vectors of the specification; with ``--check``, compare them with the files and change nothing.

Every file ``tools/vectors/NAME.py`` has a function ``generate()`` that returns what ``spec/vectors/NAME.json`` holds:
values for JSON, from fixed seeds only, each vector with a telling name and one outcome.
"""

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent.parent
GENERATORS: Final = _ROOT / "tools" / "vectors"
VECTORS: Final = _ROOT / "spec" / "vectors"


def generated() -> Iterator[tuple[Path, str]]:
    """Yield each file of vectors with the text that it must have."""
    for path in sorted(GENERATORS.glob("*.py")):
        specification = importlib.util.spec_from_file_location(f"vectors_{path.stem}", path)
        assert specification is not None  # noqa: S101 - the path ends with .py
        assert specification.loader is not None  # noqa: S101 - likewise
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        yield VECTORS / f"{path.stem}.json", json.dumps(module.generate(), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write or check every file; return 1 if one was found different."""
    check = sys.argv[1:] == ["--check"]
    status = 0
    for path, text in generated():
        if not check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"{path} is not what its generator makes")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
