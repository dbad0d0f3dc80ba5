"""Keys that options bring along are known whichever option is chosen."""

from __future__ import annotations

from pathlib import Path

from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from denote.cli.option_keys import BRINGING, KnownKeys, option_keys, shipped_options

SHIPPED = Path(__file__).parents[2] / "conf"


def test_keys_of_every_option_are_those_that_hydra_composes_with_it() -> None:
    """What is read off the files, with packages and defaults, is in the config that has the option."""
    keys = option_keys([SHIPPED])
    with initialize_config_module("denote.conf", version_base="1.3"):
        for group, option in [("intervention", "steer"), ("probe", "sparse"), ("architecture", "mlp_8x64_norm"),
                              ("dataset", "conllu"), ("logger", "csv"), ("hydra/launcher", "joblib")]:  # fmt: skip
            config = OmegaConf.to_container(compose("config", [f"{group}={option}"], return_hydra_config=True))
            assert isinstance(config, dict)
            brought = [key for key, options in keys.items() if f"{group}={option}" in options]
            assert len(brought) > 2
            for key in brought:
                node: object = config
                for part in key.split("."):
                    assert isinstance(node, dict)
                    assert part in node, key
                    node = node[part]


def test_every_option_is_read() -> None:
    found = {option for options in option_keys([SHIPPED]).values() for option in options}
    for group in BRINGING:
        options = {f"{group}={path.stem}" for path in (SHIPPED / group).glob("*.yaml")}
        assert options - found <= {"logger=none", "intervention=none"}
        assert "hydra" in group or {option.partition("=")[2] for option in options} <= set(shipped_options(group))


def test_options_of_a_users_own_folder_are_known(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "mine.yaml").write_text("rows_of_mine: 3\n")
    (tmp_path / "dataset" / "broken.yaml").write_text("{")
    for arguments in (["--config-dir", str(tmp_path)], [f"--config-dir={tmp_path}"]):
        keys = KnownKeys.of_command_line(arguments)
        assert keys.problem("dataset.rows_of_mine")[1] == "allowed with dataset=mine"


def test_the_nearest_key_is_compared_by_what_differs() -> None:
    keys = KnownKeys(["a", "a.path"], {"a.width": ["a=x"], "a.w": ["a=y", "a=z"]})
    assert keys.problem("a.w") == ("is a key of an option that is not chosen", "allowed with a=y or z")
    assert keys.problem("a.pth")[1] == "did you mean 'a.path'? allowed: a.path"
    assert keys.problem("a.widt")[1] == "did you mean 'a.width'? allowed with a=x"
    assert keys.problem("a.other")[1] == "allowed: a.path; more with other options"
