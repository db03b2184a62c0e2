"""Kill -9 of the process that writes, at any moment, loses no change that it acknowledged."""

import asyncio
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from keystead.components.key_repository.sqlite_reading import SqliteKeyReader
from keystead.core.records import KeyRecord
from keystead.identifiers import KeyId
from keystead.transport.sql import connect_to_read, upgrade

WRITER = Path(__file__).with_name("acknowledging_writer.py")
ROUNDS = 10
EXPECTED = {
    "first": KeyRecord(b"first", {1: b"first"}, {}),
    "second": KeyRecord(b"second", {1: b"first", 2: b"second"}, {}),
}


def acknowledged_until_killed(path: Path, round_number: int, lines: int) -> list[str]:
    """Run a writer, kill it after so many lines, and return every whole line that it wrote."""
    arguments = [sys.executable, str(WRITER), str(path), str(round_number << 64)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        heard = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        heard += process.stdout.readlines()
    return [line for line in heard if line.endswith("\n")]


@pytest.mark.slow
def test_no_acknowledged_change_is_lost(tmp_path: Path) -> None:
    """Round after round on the same file: what was acknowledged is there, and no key is half written."""
    path = tmp_path / "repository.sqlite"
    upgrade(path)
    dice = Random(1)
    last: dict[str, str] = {}
    for round_number in range(ROUNDS):
        for line in acknowledged_until_killed(path, round_number, dice.randint(1, 3000)):
            key_id, state = line.split()
            last[key_id] = state

    async def check() -> None:
        reader = SqliteKeyReader(connect_to_read(path))
        for key_id, state in last.items():
            record = await reader.record(KeyId(key_id))
            # The write after the last acknowledged one may have been made too; it is whole then.
            assert record == EXPECTED[state] or (state, record) == ("first", EXPECTED["second"])

    assert len(last) > ROUNDS
    asyncio.run(check())
    assert connect_to_read(path).execute("PRAGMA integrity_check").fetchall() == [("ok",)]
