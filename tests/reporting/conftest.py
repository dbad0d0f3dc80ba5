"""A report with hostile names, as both the parser and the browser read it."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.figures.canvas import save_figure
from denote.figures.relevance import draw_relevance
from denote.reporting.jobs import Job
from denote.reporting.report import Picture, Report

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    tables = synthetic.all_tables(3, 9, 32)
    neurons = tables["neurons"].with_columns(neuron_name=pl.lit(f"unit {HOSTILE}"))
    figure = draw_relevance({HOSTILE: np.array([1.0, -2.0])}, {HOSTILE: (2,)}, HOSTILE)
    files = save_figure(figure, folder / "figures", "map", ("png", "svg"))
    contents = Report(
        title=f"demo {HOSTILE}",
        status=[Job("fine", "finished", seconds=3), Job(HOSTILE, "failed", f"attribute.where: no column '{HOSTILE}'")],
        tables={
            **tables,
            "neurons": neurons,
            "null_check": synthetic.null_check_table(3, alarm=True),
            "label_proportion_by_depth": synthetic.by_depth_table(neurons),
            "sensitivity": pl.DataFrame(
                {"decisive": [0.9, 0.95], "family": ["subsets", "subsets"], "n_denoting": [300, 250]}
            ),
        },
        figures=[Picture(path, f'"{HOSTILE}" by depth') for path in files],
        warnings=[f"mlp seed 3 is at chance. {HOSTILE}"],
        config={"attribute": {HOSTILE: "class IN (1, 3)"}, "note": "</pre><script>alert(1)</script>"},
        versions={"denote": "0.1.0"},
        command='denote -m "attribute.where=class < 5"',
    )
    return contents.write(folder)
