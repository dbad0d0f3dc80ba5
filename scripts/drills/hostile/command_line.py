"""The command line: names, numbers and lengths that no setting can have."""

from __future__ import annotations

from hostile.case import Case, around, job

NAMES = {
    "leaves multirun": "../../stolen",
    "two dots": "..",
    "one dot": ".",
    "empty": "''",
    "absolute": "/stolen",
    "home": "'~/stolen'",
    "of 300 characters": "n" * 300,
    "of 200 letters of two bytes": "é" * 200,
    "newline": "'a\nb'",
    "escape sequence": "'a\x1b[2Jb'",
    "backslash": "'a\\\\b'",
    "device of Windows": "CON",
    "dot at the end": "'a.'",
    "blank around": "' a'",
    "colon": "'a:b'",
    "a folder below": "a/b",
    "hidden": ".store",
    "list": "[a,b]",
    "null": "null",
}
"""Names that no folder of a sweep may have."""

NUMBERS = {
    "seed of 23 digits": "seed=" + "9" * 23,
    "seed of 5,000 digits": "seed=" + "9" * 5000,
    "seed NaN": "seed=nan",
    "layers of 23 digits": "architecture.layers=" + "9" * 23,
    "100,000 layers": "architecture.layers=100000",
    "-1 layers": "architecture.layers=-1",
    "width of 100,000,000": "architecture.width=100000000",
    "width of 23 digits": "architecture.width=" + "9" * 23,
    "width NaN": "architecture.width=nan",
    "width -1": "architecture.width=-1",
    "width 1.5": "architecture.width=1.5",
    "width that is a list": "architecture.width=[8]",
    "width 10^9 and 100 layers": "architecture.width=1000000000 architecture.layers=100",
    "learning rate infinite": "trainer.lr=inf",
    "learning rate -1": "trainer.lr=-1",
    "batch of 10^18": "trainer.batch_size=1" + "0" * 30,
    "10^30 permutations": "evidence.permutations=1" + "0" * 30,
    "10^15 permutations": "evidence.permutations=1" + "0" * 15,
    "10^15 bootstraps": "evidence.bootstraps=1" + "0" * 15,
    "memory of 10^400": "memory_limit=1" + "0" * 400,
    "memory NaN": "memory_limit=nan",
    "memory -1": "memory_limit=-1",
    "GPU of 23 digits": "device=cuda:" + "9" * 23,
    "fractions NaN": "split.fractions.test=nan",
    "10^15 shapes": "dataset=shapes dataset.n=1" + "0" * 15,
    "shapes of 10^6 pixels a side": "dataset=shapes dataset.size=1000000",
    "-5 shapes": "dataset=shapes dataset.n=-5",
    "10^15 planted rows": "dataset=planted dataset.n=1" + "0" * 15,
    "convnet of 10^7 channels": "architecture=convnet architecture.channels=[10000000,10000000]",
    "vit of 10^6 wide": "architecture=vit architecture.width=1000000",
    "resnet of 10^5 blocks": "architecture=resnet architecture.blocks=100000",
    "10^12 examples": "evidence.examples=1" + "0" * 12,
    "10^12 draws": "control=[shuffled] control.shuffled.draws=1" + "0" * 12,
    "10^9 twins": "control=[untrained] control.untrained.twins=1" + "0" * 9,
    "hidden units of an observer 10^9": "probe=mlp probe.mlp.hidden=1" + "0" * 9,
    "time limit NaN": "sweep.job_timeout=nan",
    "retries -1": "sweep.retries=-1",
}

SAID = dict.fromkeys(
    [
        "100,000 layers",
        "width of 100,000,000",
        "width 10^9 and 100 layers",
        "convnet of 10^7 channels",
        "vit of 10^6 wide",
        "resnet of 10^5 blocks",
    ],
    "architecture: ",
) | {
    "width that is a list": "architecture",
    "hidden units of an observer 10^9": "probe.mlp",
    "shapes of 10^6 pixels a side": "dataset.size",
}
"""Words that a line has in the place of the key."""

NESTED = "[" * 1000 + "]" * 1000

CASES = [
    *(job(f"sweep_name: {name}", "-m", f"sweep_name={value}", says="sweep_name") for name, value in NAMES.items()),
    job("sweep_name of a single job", "sweep_name=../../stolen", says="sweep_name"),
    Case("sweep_name of a training", ("logger=none", "sweep_name=../../stolen"), command="denote-train"),
    *(
        Case(name, around(*line.split()), says=(SAID.get(name, line.split()[-1].partition("=")[0].rpartition(".")[2]),))
        for name, line in NUMBERS.items()
    ),
    job("1,000 brackets", f"tags={NESTED}", says="tags"),
    job("1,000 braces", "+tags.a=" + "{a:" * 1000 + "1" + "}" * 1000),
    job("1,000 parentheses", "seed=" + "int(" * 1000 + "1" + ")" * 1000),
    job("an override of 100,000 letters", "tags=[" + "a" * 100_000 + "]", says="tags"),
    job("a key of 100,000 letters", "a" * 100_000 + "=1"),
    job("1,000 levels of a key", "a" + ".a" * 1000 + "=1"),
    job("invalid UTF-8", "tags=[\udcff\udcfe]"),
    job("a lone surrogate in sweep_name", "-m", "sweep_name=\udcff"),
    job("escape sequences in a value", "device=\x1b[2J\x1b[31m"),
    job("escape sequences in a key", "\x1b[2Jdevice=cpu"),
    job("newline in a value", "device='a\nb'"),
    job("100,000 layers by number", "layer.select=[" + ",".join(map(str, range(20_000))) + "]", says="layer.select"),
    job("a glob of 1,000 stars", "layer.select='" + "a*" * 1000 + "b'", says="layer.select"),
    job("a regular expression as a layer", "layer.select='(a+)+$'", says="layer.select"),
    job("a billion jobs", "-m", "seed=range(0,1000000000)"),
    job(
        "jobs as a product",
        "-m",
        *(f"{key}=range(0,1000)" for key in ("seed", "probe_seed", "split.seed")),
        says="jobs",
    ),
    job("glob over nothing", "-m", "seed=glob(*)"),
    job("a target typed", "dataset._target_=os.system", says="dataset._target_"),
    job("a key of hydra that is none", "+hydra.evil=1"),
    job("a launcher that is none", "-m", "hydra/launcher=../../evil"),
    job("an option that is a path", "dataset=../../../../etc/passwd", says="dataset"),
    job("an option that is an absolute path", "experiment=/etc/passwd", says="experiment"),
    job("no key", "=1"),
    job("an equals sign alone", "="),
    job("unpickling a saved job", "--experimental-rerun=job.pickle"),
    job("a flag without its value", "--config-dir"),
    job("a flag that is none", "--evil"),
]
