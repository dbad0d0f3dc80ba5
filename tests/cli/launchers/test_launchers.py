"""Which engine a launcher gives, and whose launchers may stand beside ours."""

import sys
from types import ModuleType

import pytest
from command_line import Command
from hydra.core.config_store import ConfigStore
from hydra.plugins.launcher import Launcher

from denote.cli import sweeper
from denote.cli.hydra_private import BasicLauncher, plugins
from denote.cli.launchers.plugins import JoblibLauncher, PluginEngine, engines
from denote.cli.launchers.processes import Processes, ThisProcess
from denote.errors import ConfigError


def test_cores_are_shared_out_among_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("denote.cli.launchers.plugins._cores", lambda: 12)
    engine, alone = engines(JoblibLauncher(n_jobs=5))
    assert engine == Processes(5, threads=2)
    assert alone == Processes(5, threads=2, fresh=True)
    assert engines(JoblibLauncher(n_jobs=50))[0] == Processes(50, threads=1)
    assert engines(JoblibLauncher(n_jobs=2, threads=3))[0] == Processes(2, threads=3)


def test_the_basic_launcher_is_this_process_and_one_of_its_own_for_what_kills_it() -> None:
    engine, alone = engines(BasicLauncher())
    assert isinstance(engine, ThisProcess)
    assert alone == Processes(1, fresh=True)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n_jobs": 0}, "hydra.launcher.n_jobs: 0 is refused"),
        ({"n_jobs": "x"}, "hydra.launcher.n_jobs: 'x' is refused"),
        ({"threads": 0}, "hydra.launcher.threads: 0 is refused"),
        ({"backend": "threading"}, "hydra.launcher.backend: 'threading' is refused"),
        ({"timeout": 3}, "use sweep.job_timeout"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        JoblibLauncher(**settings)  # type: ignore[arg-type]
    assert said in str(refused.value)


def test_without_joblib_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "joblib", None)
    with pytest.raises(ConfigError, match=r"needs the package joblib.*\[joblib\]"):
        JoblibLauncher()


class Theirs(Launcher):
    """A launcher of somebody else's plug-in, which runs jobs as Hydra does, until it breaks."""

    __module__ = "hydra_plugins.theirs"

    def __init__(self) -> None:
        self.basic = BasicLauncher()

    def setup(self, **context: object) -> None:
        self.basic.setup(**context)  # type: ignore[arg-type]

    def launch(self, job_overrides: list[list[str]], initial_job_idx: int) -> list[object]:
        self.basic.launch(job_overrides[:1], initial_job_idx)
        raise RuntimeError("a worker is lost")


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install somebody else's launcher, and an old one of a name of ours with fewer keys."""
    sweeper.register()
    module = ModuleType("hydra_plugins.theirs")
    vars(module)["Theirs"] = Theirs
    monkeypatch.setitem(sys.modules, module.__name__, module)
    plugins.register(Theirs)
    store = ConfigStore.instance()
    store.store("theirs", {"_target_": "hydra_plugins.theirs.Theirs"}, group="hydra/launcher")
    store.store("joblib", {"_target_": "hydra_plugins.old.Launcher", "n_jobs": 10}, group="hydra/launcher")


@pytest.mark.usefixtures("_installed")
def test_an_old_plug_in_of_a_name_of_ours_is_no_schema(denote: Command) -> None:
    answer = denote("-m", "seed=0,1", "hydra/launcher=joblib", "hydra.launcher.threads=0", "logger=none")
    assert (answer.code, answer.err.strip()) == (
        2, "hydra.launcher.threads: 0 is refused; allowed: 1, 2, ... or null",
    )  # fmt: skip


@pytest.mark.usefixtures("_installed")
def test_jobs_of_another_plug_in_are_collected_though_it_breaks(denote: Command) -> None:
    assert isinstance(engines(Theirs())[0], PluginEngine)
    tiny = ["architecture.trained=false", "probe=majority", "control=[]", "attribute=odd", "debug=fast", "figures=none"]
    command = ["-m", "seed=0,1", "hydra/launcher=theirs", "logger=none", "sweep_name=t", *tiny]
    answer = denote(*command)
    assert answer.code == 0, answer
    assert "missing" not in answer.out
    assert "a worker is lost" in answer.out + answer.err
    refused = denote(*command, "sweep.retries=1", "on_existing=redo")
    assert (refused.code, "sweep.retries" in refused.err) == (2, True)
