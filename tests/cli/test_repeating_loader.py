"""Jobs composed from an earlier composition have the configs that Hydra composes from the start."""

from collections.abc import Iterator
from typing import Any

import pytest
from hydra import initialize_config_module
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from denote.cli import build, sweeper
from denote.cli.hydra_private import ConfigLoaderImpl, using_loader
from denote.cli.hydra_settings import CheckingLoader

TYPED = (
    [],
    ["experiment=attribute_by_depth"],
    ["experiment=audit", "dataset.path=t.csv", "dataset.target=class", "dataset.attributes=[age]"],
    ["experiment=null_worlds", "debug=fast"],
    ["hydra/launcher=basic", "hydra.job.config.override_dirname.exclude_keys=[seed]", "logger=none"],
    ["hydra.sweep.subdir=${hydra.job.override_dirname}"],
)
"""What stands on the command line beside the swept overrides."""

CHOICES = (
    *("architecture=convnet", "architecture=mlp_8x128", "dataset=shapes", "evidence=quick", "evidence=full"),
    *("probe=[neuron]", "probe=[linear,sparse]", "attribute=[odd,prime]", "control=[]", "control=[shuffled]"),
    *("layer=last", "experiment=emergence", "debug=fast", "~debug", "logger=none", "+layer@other=first"),
    *("hydra/job_logging=stdout", "layer=nope", "nope=1/2"),
)
"""Options of groups, right and wrong."""

VALUES = (
    *("seed=3", "seed=04", "seed=true", "seed=1.0", "seed=null", "seed=${probe_seed}", "probe_seed=${seed}"),
    *("architecture.width=48", "architecture.width=${architecture.layers}", "++architecture.width=7", "+seed=1"),
    *("~architecture.width", "~architecture.width=64", "~architecture.nope", "architecture.nope=1", "+a.b.c=1"),
    *("+tags=[a,b]", "tags=[a,b]", "tags=[1,{x:2}]", "tags=x", "++split={seed:4,extra:{deep:[1,2]}}", "split.seed=5"),
    *("attribute.where='class IN (0, 6)'", "attribute.where={low:'class < 3'}", "layer.select=[0,-1]"),
    *(
        "layer.select=1",
        "sweep_name='named'",
        "sweep_name=${experiment_name}",
        "store.path=/tmp/${seed}",
        "architecture={width:9}",
    ),
    *("evidence.permutations=20", "evidence='{null: 0.9}'", "hydra.job.num=3", "hydra.sweep.subdir=x${seed}"),
    *("dataset.path=???", "dataset.root=${oc.env:HOME}", "memory_limit=1GiB", "tags=[\"a b\",'c,d']", "tags=[]"),
    *("hydra.job.env_copy=[HOME]", "hydra={verbose:true}", "+hydra.job.note=1", "sweep_name=${now:%Y}", "seed=1,2"),
)
"""Values that jobs change: plain, nested, added, deleted, interpolated, of Hydra's own, and mistaken."""


@pytest.fixture(scope="module")
def loader() -> Iterator[ConfigLoader]:
    """The loader of the command line."""
    build.register_resolvers()
    sweeper.register()
    GlobalHydra.instance().clear()
    with using_loader(CheckingLoader), initialize_config_module("denote.conf", version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


def outcome(compose: Any, *arguments: Any) -> Any:
    """What a job's config is: as it stands, resolved for the job, and the name of its folder; or the mistake."""
    try:
        config: DictConfig = compose(*arguments)
    except Exception as error:
        return type(error), str(error)
    flags = [config._get_flag("struct"), config.hydra._get_flag("readonly"), config.hydra._get_flag("struct")]
    cache = OmegaConf.get_cache(config)
    return OmegaConf.to_container(config), flags, cache, resolved(build.plain, config), resolved(subdir, config)


def subdir(config: DictConfig) -> str:
    return str(config.hydra.sweep.subdir)


def resolved(act: Any, config: DictConfig) -> Any:
    try:
        return act(config)
    except Exception as error:
        return type(error), str(error)


@settings(max_examples=10, deadline=None, phases=[Phase.generate])
@given(
    typed=st.sampled_from(TYPED),
    choices=st.lists(st.sampled_from(CHOICES), max_size=2, unique=True),
    values=st.lists(st.sampled_from(VALUES), max_size=5),
    order=st.randoms(use_true_random=False),
)
def test_a_repeated_composition_equals_hydras(
    loader: ConfigLoader, typed: list[str], choices: list[str], values: list[str], order: Any
) -> None:
    swept = [*choices, *values]
    order.shuffle(swept)
    overrides = [*(override for override in typed if not override.startswith("hydra")), *swept]
    master = loader.load_configuration("config", typed, RunMode.MULTIRUN)
    hydras = outcome(lambda: ConfigLoaderImpl.load_sweep_config(loader, master, overrides))
    for _ in range(2):  # composed, then repeated
        assert outcome(lambda: loader.load_sweep_config(master, overrides)) == hydras


@pytest.mark.parametrize("value", VALUES)
def test_every_kind_of_value_equals_hydras(loader: ConfigLoader, value: str) -> None:
    master = loader.load_configuration("config", [], RunMode.MULTIRUN)
    loader.load_sweep_config(master, ["architecture=mlp_4x64", "seed=9"])  # what is repeated is another job's
    overrides = ["architecture=mlp_4x64", value, "architecture.layers=5"]
    hydras = outcome(lambda: ConfigLoaderImpl.load_sweep_config(loader, master, overrides))
    assert outcome(lambda: loader.load_sweep_config(master, overrides)) == hydras


def test_a_sweep_composes_once_per_choice_of_groups(loader: ConfigLoader, monkeypatch: pytest.MonkeyPatch) -> None:
    composed: list[list[str]] = []
    of_hydra = ConfigLoaderImpl._load_configuration_impl

    def counted(self: Any, config_name: Any, overrides: Any, **given: Any) -> Any:
        composed.append(overrides)
        return of_hydra(self, config_name, overrides, **given)

    monkeypatch.setattr(ConfigLoaderImpl, "_load_configuration_impl", counted)
    master = loader.load_configuration("config", ["trainer.lr=0.5"], RunMode.MULTIRUN)
    before = len(composed)
    for seed in range(10):
        for network in ("mlp_8x64_norm", "mlp_12x64_norm"):
            for rate in (0.1, 0.2):
                overrides = [f"seed={seed}", f"architecture={network}", f"trainer.lr={rate}"]
                config = loader.load_sweep_config(master, overrides)
                assert (config.seed, config.trainer.lr) == (seed, rate)
                assert list(config.hydra.overrides.task) == overrides
    assert composed[before:] == [["architecture=mlp_8x64_norm"], ["architecture=mlp_12x64_norm"]]
