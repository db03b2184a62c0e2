"""What is tracked by git stays free of addresses and of traces of the machine on which it was written."""

import ast
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(path for path in (ROOT / "src" / "keystead").rglob("*") if any(path.glob("*.py")))
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))

# Assembled, so that this file is not its own finding.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("anaconda", "org"),
    )
]
BUILD_FOLDERS = [f"/{name}/" for name in ("work", "root", "home")]
TRACE = re.compile(
    rf"(?:{'|'.join(map(re.escape, REGISTRY_HOSTS))})|(?<![\w.{{}}%*-])(?:{'|'.join(map(re.escape, BUILD_FOLDERS))})",
    re.IGNORECASE,
)


def files_of_the_repository(scratch: Path) -> list[Path]:
    """Return each file that is tracked or would be: all but the ignored ones, also where there is no history."""
    git = shutil.which("git")
    assert git is not None, "git knows which files are ignored: install git"
    empty = ["--git-dir", str(scratch / "empty"), "--work-tree", str(ROOT)]
    subprocess.run([git, "init", "--quiet", "--bare", str(scratch / "empty")], check=True)
    command = [git, *empty, "ls-files", "-z", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return [ROOT / name for name in listing.split("\0") if name]


def test_lock_files_carry_no_address() -> None:
    """A lock file has versions and hashes; where packages come from is the installer's affair."""
    assert [path.stem for path in LOCKS] == ["bench", "build", "clients", "dev", "run"]
    locks = [*LOCKS, ROOT / "tests" / "clients" / "package-lock.json"]
    assert not [path.name for path in locks if "://" in path.read_text() or "index-url" in path.read_text()]


def test_every_locked_package_of_the_javascript_client_is_hashed() -> None:
    """Each entry names one version and its SHA-512."""
    lock = json.loads((ROOT / "tests" / "clients" / "package-lock.json").read_text())
    entries = {name: entry for name, entry in lock["packages"].items() if name}
    assert entries
    assert not [name for name, entry in entries.items() if not entry["integrity"].startswith("sha512-")]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_locked_package_is_pinned_and_hashed(path: Path) -> None:
    """Each entry names one version and at least one SHA-256."""
    entries = re.split(r"\n(?=\S)", path.read_text().strip())
    pinned = re.compile(r"[a-z0-9._-]+(\[[a-z0-9,-]+\])?==[^\s;]+( ;[^\n]*?)?( \\\n    --hash=sha256:[0-9a-f]{64})+")
    assert not [entry for entry in entries if pinned.fullmatch(entry) is None]


def test_lock_files_agree() -> None:
    """No two lock files pin different versions of a package, so that they can share an environment.

    The other clients have one of their own: aioboto3 wants a botocore of its own.
    """
    shared = [path for path in LOCKS if path.stem != "clients"]
    pins = [re.findall(r"^([a-z0-9._-]+)\S*?==(\S+)", path.read_text(), re.MULTILINE) for path in shared]
    versions: dict[str, set[str]] = {}
    for name, version in (pin for lock in pins for pin in lock):
        versions.setdefault(name, set()).add(version)
    assert versions
    assert not {name: found for name, found in versions.items() if len(found) > 1}


@pytest.mark.parametrize(
    "trace", [f"see https://{REGISTRY_HOSTS[0]}/simple", f"open {BUILD_FOLDERS[0]}main", BUILD_FOLDERS[2]]
)
def test_a_trace_is_found(trace: str) -> None:
    """The search finds what it is for."""
    assert TRACE.search(trace)


@pytest.mark.parametrize("text", ["deploy/home/readme", "GET /v1/roots/", "frame/work/item"])
def test_an_innocent_path_is_no_trace(text: str) -> None:
    """A folder of the repository may have any name."""
    assert TRACE.search(text) is None


def test_no_file_names_a_registry_or_a_build_machine(tmp_path: Path) -> None:
    """Nothing in the repository points to a package registry or to a folder of somebody's machine."""
    files = files_of_the_repository(tmp_path)
    assert Path(__file__) in files
    traces = {path.relative_to(ROOT): TRACE.search(path.read_bytes().decode("utf-8", "replace")) for path in files}
    assert {path: found[0] for path, found in traces.items() if found} == {}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_every_package_says_what_it_is_for(package: Path) -> None:
    """Each folder with code has an ``__init__`` whose docstring gives its purpose."""
    assert ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
