"""Modules come and go with what a configuration names, and a file that is wrong changes nothing."""

import asyncio
from pathlib import Path

from keystead.bootstrap.configuration import dump
from keystead.bootstrap.following import LOOK, follow_modules
from keystead.bootstrap.role_configuration import AuthenticationConfiguration
from tests.simulators.loop import simulate


def written(path: Path, modules: list[str]) -> None:
    """Write the configuration of an authentication service that uses these modules."""
    configuration = AuthenticationConfiguration(
        directory="d", listen="unix:l", operator_key="k", domain_directory="d", domain="", modules=modules, regions=[]
    )
    path.write_text(dump(configuration))


def test_modules_are_read_again_and_a_wrong_file_is_complained_of_once(tmp_path: Path) -> None:
    """What the file names is used; while it is no configuration what was used stays, and one complaint is made."""
    path = tmp_path / "authentication.toml"
    used: list[list[str]] = []
    complaints: list[str] = []

    async def story() -> None:
        written(path, ["unix:1"])
        following = asyncio.create_task(
            follow_modules(path, AuthenticationConfiguration, lambda found: used.append(list(found)), complaints.append)
        )
        await asyncio.sleep(1.5 * LOOK)
        path.write_text("modules = [")
        await asyncio.sleep(3 * LOOK)
        written(path, ["unix:1", "unix:2"])
        await asyncio.sleep(LOOK)
        path.write_text("modules = 3")
        await asyncio.sleep(LOOK)
        following.cancel()

    simulate(story, 1)
    assert used == [["unix:1"], ["unix:1", "unix:2"]]
    assert len(complaints) == 2
    assert all(str(path) in one for one in complaints)
