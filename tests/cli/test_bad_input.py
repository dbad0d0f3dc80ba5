"""A user's mistake: one line that names the key, what came and what is nearest; exit code 2; nothing left behind."""

from pathlib import Path

import pytest
from command_line import Command

COLUMNS = "class, ink, height, width, loops"

CONFIG_MISTAKES = [
    ("dataset=digit", ["dataset=digit", "did you mean 'digits'"]),
    ("experiment=nope", ["experiment=nope", "attribute_by_depth, audit, capacity, demo"]),
    ("probe=lin", ["probe=lin", "did you mean 'linear'"]),
    ("probe=[linear,neron]", ["probe", "neron", "did you mean 'neuron'"]),
    ("control=[shufled]", ["control", "shufled", "did you mean 'shuffled'"]),
    ("layer=1", ["layer=1", "use layer.select=1"]),
    ("layer=[first,last]", ["layer=[first,last]", "not a list", "all, first, last, middle, state"]),
    ("evidence=[quick,full]", ["evidence=[quick,full]", "one option", "allowed: full, quick, standard"]),
    ("evidence=[quick]", ["evidence=[quick]", "one option", "allowed: full, quick, standard"]),
    ("+trainer=[default]", ["trainer=[default]", "one option", "allowed: default"]),
    ("dataset=[digits,shapes]", ["dataset=[digits,shapes]", "one option", "digits, "]),
    ("architecture=[mlp,convnet]", ["architecture=[mlp,convnet]", "one option", "convnet, "]),
    ("logger=[wandb,csw]", ["logger=csw", "did you mean 'csv'"]),
    ("logger=wandb,csv", ["logger=wandb,csv: several values came; allowed: 'logger=[wandb,csv]' for all of them"]),
    ("attribute=odd,prime", ["'attribute=[odd,prime]' for all of them together, or -m attribute=odd,prime for a job"]),
    ("control=shuffled,rotated", ["several values came; allowed: 'control=[shuffled,rotated]' for all"]),
    ("architecture=mlp,convnet", ["several values came; allowed: -m architecture=mlp,convnet for a job each"]),
    ("seed=0,1", ["seed=0,1: several values came; allowed: -m seed=0,1 for a job each"]),
    ("figures=all,none", ["figures=all,none: several values came; allowed: one value for all jobs"]),
    ("tags=a,b", ["tags=a,b: several values came; allowed: 'tags=[a,b]' for all of them together"]),
    ("layer.select=0,1", ["allowed: -m layer.select=0,1 for a job each, or 'layer.select=[0,1]' for all"]),
    ("experiment=[demo,audit]", ["experiment=[demo,audit]", "one option", "leave it out for none"]),
    ("evidence=null", ["evidence=null", "null is no option", "allowed: full, quick, standard"]),
    ("dataset=null", ["dataset=null", "null is no option", "digits, "]),
    ("attribute=null", ["attribute=null", "null is no option", "or a list of those"]),
    ("control=null", ["control=null", "null is no option", "control=[] for none"]),
    ("debug=null", ["debug=null", "null is no option", "allowed: fast; leave it out for none"]),
    ("probe=[linear,null]", ["probe=null", "no such option", "linear, "]),
    ("evidence=fast", ["evidence=fast", "no such option", "allowed: full, quick, standard"]),
    ("evidence=true", ["evidence=true", "no such option", "full, quick, standard"]),
    ("hydra/launcher=null", ["must be a string or a list"]),
    ("split=[a]", ["split: [a] is not possible", "split.NAME=VALUE"]),
    ("split=null", ["split: null is not possible", "options by name"]),
    ("~evidence", ["evidence: is missing"]),
    ("evidence.level=deluxe", ["evidence.level: names deluxe alone", "allowed: evidence=quick, evidence=standard"]),
    ("evidence={level:deluxe}", ["evidence.level: 'deluxe' is unknown", "allowed: quick, standard, full"]),
    ("evidence={level:null}", ["evidence.level: null is unknown; allowed: quick, standard, full"]),
    ("evidence.permutations=null", ["evidence.permutations: null is not possible", "null at evidence=quick"]),
    ("figures=null", ["figures: null is unknown; allowed: sweep, all, none"]),
    ("datset=x", ["datset", "did you mean 'dataset'"]),
    ("seeed=3", ["seeed", "did you mean 'seed'"]),
    ("split.sed=3", ["split.sed", "did you mean 'split.seed'"]),
    *(
        (typed, ["intervention.ablate.draw:", "did you mean 'intervention.ablate.draws'?"])
        for typed in ("intervention.ablate.draw=3", "intervention=ablate intervention.ablate.draw=3")
    ),
    ("intervention.ablate.draw=3", ["allowed with intervention=ablate"]),
    ("intervention=erase intervention.ablat.draws=3", ["'intervention.ablate'?", "allowed with intervention=ablate"]),
    *(
        (typed, [f"{typed.split('=')[0]}: is a key of an option that is not chosen; allowed with {option}"])
        for typed, option in [
            ("intervention.ablate.draws=5", "intervention=ablate"),
            ("probe.mlp.width=3", "probe=mlp"),
            ("architecture.channels=3", "architecture=convnet or resnet"),
            ("dataset.path=x", "dataset=ag_news, arrays"),
            ("control.control_task.draws=3", "control=control_task"),
            ("attribute.formulas.beam=3", "attribute=formulas"),
            ("hydra.launcher.n_jobs=3", "hydra/launcher=joblib"),
        ]
    ),
    ("architecture=mlp_4x64 architecture.chanels=3", ["'architecture.channels'? allowed with architecture=convnet"]),
    ("probe.mlp.hiden=3", ["allowed: probe.mlp.kind, probe.mlp.width"]),
    ("logger.projct=x", ["did you mean 'logger.project'?"]),
    ("hydra.launcher.njobs=3", ["did you mean 'hydra.launcher.n_jobs'? allowed with hydra/launcher=joblib"]),
    ("trainer.max_epoch=3", ["trainer.max_epoch:", "did you mean 'trainer.max_epochs'", " more"]),
    ("+foo=1", ["foo", "no such key", "allowed: "]),
    ("+layer.selekt=1", ["layer.selekt", "did you mean 'select'"]),
    ("control.suffled.draws=3", ["control.suffled", "shuffled"]),
    ("control.shuffled.drws=3", ["control.shuffled.drws", "did you mean 'control.shuffled.draws'"]),
    ("+control.shufled.draws=3", ["control.shufled", "did you mean 'shuffled'"]),
    ("control.rotated.rotations=0", ["control.rotated.rotations", "0", "at least 1"]),
    ("control.random_subset.subsets=0", ["control.random_subset"]),
    ("control=[control_task] control.control_task.column=nope", ["control.control_task.column", "nope"]),
    ("control=[control_task]", ["control.control_task.column", "is missing"]),
    ("evidence.equal_rows=3", ["evidence.equal_rows", "3", "at least 25"]),
    ("evidence.equal_rows=some", ["evidence.equal_rows", "'some'", "at least 25, or auto, or null"]),
    ("evidence.rivals=[nope]", ["evidence.rivals", "nope", "ink"]),
    ("evidence.rivals=ink", ["evidence.rivals", "'ink'", "a list"]),
    ("analysis.layers=[1,2]", ["analysis.layers", "[1, 2]", "3 depths or more"]),
    ("analysis.layers=[1,2,-1]", ["analysis.layers", "-1", "from 0"]),
    ("analysis.family=[subsets]", ["analysis.family", "no family", "subsets, classes"]),
    ("analysis.family=subset", ["analysis.family", "'subset'", "did you mean 'subsets'"]),
    ("analysis.level=1", ["analysis.level", "1", "above 0 and below 1"]),
    ("analysis.equivalence=0", ["analysis.equivalence", "0", "above 0"]),
    ("evidence.thresholds=1", ["evidence.thresholds", "1", "at least 2, or all"]),
    ("evidence.thresholds=every", ["evidence.thresholds", "'every'", "or all"]),
    ("evidence.curves=maybe", ["evidence.curves", "maybe", "allowed: true or false"]),
    ("evidence.permutations=-1", ["evidence.permutations", "-1"]),
    ("control.untrained.twins=0", ["control.untrained.twins", "0", "at least 1"]),
    ("seed=x", ["seed", "'x'", "whole number"]),
    ("seed=1.5", ["seed", "1.5", "whole number"]),
    ("evidence.q=2", ["evidence.q", "2", "above 0 and below 1"]),
    ("evidence.null=0.99", ["evidence.null", "0.99", "below 0.95"]),
    ("memory_limit=lots", ["memory_limit", "'lots'", "GiB"]),
    ("on_existing=maybe", ["on_existing", "'maybe'", "skip, redo, fail"]),
    ("evidence.level=full", ["evidence.level", "without what it sets", "evidence=full"]),
    (f"tags=[{'x' * 80}]", ["tags", "80 characters", "1 to 64"]),
    ("tags=['']", ["tags", "0 characters", "1 to 64"]),
    ("logger.project=a/b", ["logger.project", "'a/b'", "without /"]),
    ("logger.limit=-1", ["logger.limit", "-1", "at least 0"]),
    ("+logger.kinds.wand=true", ["logger.kinds.wand", "did you mean 'wandb'"]),
    ("layer.select=true", ["layer.select", "True", "name or glob"]),
    ("attribute=[]", ["attribute", "attribute=classes"]),
    ("probe=[]", ["probe", "probe=linear"]),
    ("dataset=mnist", ["dataset.root", "dataset.root=VALUE"]),
    ("attribute.where=class IN (0, 6)", ["attribute.where=class IN (0, 6)", """'attribute.where="class IN (0, 6)"'"""]),
    ("architecture._target_=os.system", ["architecture._target_", "'os.system'", "not trusted"]),
    (
        "architecture=checkpoint architecture.path=x architecture.class_path=subprocess.Popen",
        ["architecture.class_path", "'subprocess.Popen'", "not trusted"],
    ),
    (
        "architecture=checkpoint architecture.path=x architecture.class_path=torch.load",
        ["architecture.class_path", "'torch.load'", "a class derived from Module"],
    ),
    ("architecture=checkpoint architecture.path=x", ["architecture.class_path", "has no value"]),
]

JOB_MISTAKES = [
    ("dataset=mnist dataset.root=empty", ["dataset.root", "empty", "t10k-images-idx3-ubyte"]),
    ("dataset=mnist dataset.root=nowhere", ["dataset.root", "nowhere", "t10k-images-idx3-ubyte"]),
    ("dataset=shapes dataset.n=200 dataset.target=colr", ["dataset.target", "'colr'", "did you mean 'colour'"]),
    ("layer.select=hiden_1", ["layer.select", "'hiden_1'", "hidden_1, hidden_2, hidden_3, hidden_4, logits"]),
    ("layer.select=99", ["layer.select", "99", "-5 to 4"]),
    ("layer.select=-6", ["layer.select", "-6", "-5 to 4"]),
    ('attribute.where="colour > 1"', ["attribute.where", "colour", COLUMNS]),
    ('attribute.where="class >"', ["attribute.where", "class >", "not an SQL expression"]),
    ('attribute.where="SUM(class) > 3"', ["attribute.where", "SUM(class) > 3", "aggregate"]),
    ('attribute.where="class + 1"', ["attribute.where", "class + 1", "class = 1"]),
    ('attribute.where="class >= 0"', ["class >= 0", "true for every row", "539 yes and 0 no", "25"]),
    ('attribute.where="class = 11"', ["class = 11", "false for every row", "0 yes and 539 no", "25"]),
    ("attribute=quantiles attribute.quantiles.columns=[inc]", ["attribute.quantiles.columns", "'inc'", "'ink'"]),
    ("evidence.equal_rows=100000", ["evidence.equal_rows", "100000", "at most", "auto"]),
    ("split.group=nope", ["split.group", "'nope'", COLUMNS]),
    ("split.fractions.test=0.9", ["split.fractions", "1.6", "at most 1"]),
    ("architecture._target_=torch.hub.load", ["architecture._target_", "torch.hub.load", "derived from Module"]),
    ("architecture._target_=torch.nn.functional.relu", ["architecture._target_", "relu", "derived from Module"]),
    ("architecture._target_=denote.nope.Net", ["architecture._target_", "denote.nope.Net", "cannot be found"]),
    ("architecture.activation=rel", ["architecture.activation", "'rel'", "did you mean 'relu'"]),
    ("trainer.optimizer=adm", ["trainer.optimizer", "'adm'", "did you mean 'adam'"]),
    ("+split.group._target_=torch.load", ["split.group"]),
    ("+architecture.inner={_target_:torch.nn.ReLU}", ["architecture.inner._target_", "refused"]),
    ("+probe.strong={kind:linear}", ["probe.strong", "probe.linear"]),
    ("compare", ["compare: the override cannot be read; ", "denote-compare"]),
    ("device=tpu", ["device", "'tpu'", "auto, cpu, cuda"]),
]

SWEEP_MISTAKES = [
    ("-m seed=glob(*)", ["no job", "glob"]),
    ("-m layer=glob(x*)", ["no job", "glob"]),
    ("-m dataset=digit,mnst", ["dataset=digit", "did you mean 'digits'"]),
    ("-m evidence=[quick],full", ["evidence=[quick]", "one option", "full, quick, standard"]),
    ("-m evidence=quick,null", ["evidence=null", "null is no option", "full, quick, standard"]),
    ("-m evidence={level:deluxe} seed=0,1", ["evidence.level: 'deluxe' is unknown", "quick, standard, full"]),
    ("-m seed=0,1 evidence.q=2", ["none of 2 jobs could start", "evidence.q", "2"]),
]


def arguments_of(case: str) -> list[str]:
    """Arguments as the shell would pass them; only `attribute.where` has spaces of its own."""
    return [case] if case.startswith("attribute.where") else case.split()


def named(cases: list[tuple[str, list[str]]]) -> list:
    return [
        pytest.param(
            case, fragments, id=case.replace(" ", "_"),
        )
        for case, fragments in cases
    ]  # fmt: skip


def check(denote: Command, folder: Path, arguments: list[str], fragments: list[str]) -> None:
    (folder / "empty").mkdir()
    answer = denote(*arguments)
    assert answer.code == 2, answer
    assert len(answer.err.splitlines()) == 1, answer.err
    assert [fragment for fragment in fragments if fragment not in answer.err] == [], answer.err
    assert answer.out == ""
    assert [path.name for path in folder.iterdir()] == ["empty"]


@pytest.mark.parametrize(("case", "fragments"), named(CONFIG_MISTAKES))
def test_mistake_in_the_configuration(denote: Command, tmp_path: Path, case: str, fragments: list[str]) -> None:
    check(denote, tmp_path, arguments_of(case), fragments)


@pytest.mark.parametrize(("case", "fragments"), named(JOB_MISTAKES))
def test_mistake_seen_with_the_data(denote: Command, tmp_path: Path, case: str, fragments: list[str]) -> None:
    check(denote, tmp_path, [*arguments_of(case), "logger=none"], fragments)


@pytest.mark.parametrize(("case", "fragments"), named(SWEEP_MISTAKES))
def test_sweep_of_which_nothing_can_start(denote: Command, tmp_path: Path, case: str, fragments: list[str]) -> None:
    check(denote, tmp_path, arguments_of(case), fragments)


@pytest.mark.parametrize(
    ("swept", "allowed"),
    [
        ("logger=csv,wandb", "'logger=[csv,wandb]' for all jobs"),
        ("tags=a,b", "'tags=[a,b]' for all jobs"),
        ("figures=all,none", "one value for all jobs"),
        ("store.path=a,b", "one value for all jobs"),
        ("trainer.extract_batch_size=8,16", "one value for all jobs"),
        ("architecture.save_epochs=[1],[2]", "one value for all jobs"),
    ],
)
def test_what_shapes_no_result_is_not_swept(denote: Command, tmp_path: Path, swept: str, allowed: str) -> None:
    answer = denote("-m", "seed=0,1", swept, "sweep_name=s")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"{swept}: cannot be swept, since it shapes no result; allowed: {allowed}\n"
    assert not any(tmp_path.iterdir())


def test_equal_jobs_of_a_sweep_are_said_to_be_so(denote: Command) -> None:
    answer = denote("-m", "seed=0,0,1", "evidence=quick,standard", "plan=true", "architecture.layers=1")
    assert answer.code == 0
    assert answer.out.startswith("Note: 6 combinations make 2 jobs: equal jobs are run once.\n")


def test_a_mistake_leaves_no_tracked_run_behind(
    denote: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    check(denote, tmp_path, ["layer.select=99"], ["layer.select", "99"])


@pytest.mark.parametrize("arguments", [["hydra.run.dir=."], ["--layers"]])
def test_a_mistake_removes_nothing_of_the_users(denote: Command, tmp_path: Path, arguments: list[str]) -> None:
    """Hydra may have been told to write into the folder that the user works in."""
    for name in ("precious.txt", "more/precious.txt", ".hydra/of_another_program.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("years of work")
    before = sorted(tmp_path.rglob("*"))
    answer = denote(*arguments, "seed=x")
    assert (answer.code, sorted(tmp_path.rglob("*"))) == (2, before)


def test_full_error_shows_the_traceback(command: Command) -> None:
    answer = command("denote", "evidence.q=2", environment={"HYDRA_FULL_ERROR": "1"})
    assert answer.code == 2
    assert "Traceback" in answer.err
    assert "evidence.q" in answer.err


TREEBANK = "1\tDogs\t_\tNOUN\t_\t_\t0\troot\t_\t_\n2\tbark\t_\tVERB\t_\t_\t1\tdep\t_\t_\n\n"
WORDS = "dataset=conllu dataset.path=small.conllu architecture=transformer attribute.where=capitalised"


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (f"{WORDS} architecture=mlp", ["architecture: MLP reads numbers", "token ids", "architecture=transformer"]),
        ("architecture=transformer", ["architecture: a transformer reads token ids", "(1, 8, 8)", "vit for images"]),
        (f"{WORDS} attribute.where=gender", ["attribute.where", "gender", "capitalised"]),
        (f"{WORDS} dataset.target=upos_", ["dataset.target: words have no 'upos_'", "did you mean 'upos'"]),
        (f"{WORDS} dataset.path=broken.conllu", ["dataset.path: broken.conllu line 2 has 3 columns; needed: 10"]),
        (f"{WORDS} architecture.positions=1", ["architecture.positions: 1, and a sequence has 2 tokens; >= 2"]),
        (f"{WORDS} dataset.tokenizer=nowhere", ["dataset.tokenizer: "]),
    ],
)
def test_mistakes_about_words_are_one_line(
    denote: Command, line: str, parts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # it would try again for a minute
    Path("small.conllu").write_text(60 * TREEBANK, encoding="utf-8")
    Path("broken.conllu").write_text(TREEBANK.splitlines()[0] + "\n2\tbark\tVERB\n", encoding="utf-8")
    answer = denote("logger=none", "evidence.min_rows=1", "trainer.progress=false", *line.split(" "))
    assert answer.code == 2
    assert len(answer.err.strip().splitlines()) == 1
    for part in parts:
        assert part in answer.err
