"""The tables beside the figures of evidence hold the points that are drawn, and the networks they are means of."""

from pathlib import Path

import polars as pl
import pytest
import synthetic_tables as synthetic

from denote.runs.evidence_figures import draw_evidence


@pytest.mark.parametrize("name", ["capacity", "reading_curves"])
def test_points_are_means_of_the_networks_beside_them(name: str, tmp_path: Path) -> None:
    tables = synthetic.all_tables(3, 4)
    third = tables["cells"].filter(pl.col("probe") == "linear").with_columns(probe=pl.lit("centroid"))
    tables["cells"] = pl.concat([tables["cells"], third])
    (picture,) = (drawing.save(tmp_path) for drawing in draw_evidence(tables) if drawing.kind == name)
    points = pl.read_csv(picture.path.with_suffix(".csv"))
    models = pl.read_csv(picture.path.with_name(f"{picture.path.stem}-models.csv"))
    assert picture.caption.endswith(f"Numbers: {picture.path.stem}.csv, ...-models.csv.")
    assert set(points["n_models"]) == {models["object_model"].n_unique()} == {3}
    key = ["layer", "attribute"] if name == "capacity" else ["curve", "attribute", "x"]
    linear = points.filter(pl.col("observer") == "linear") if name == "capacity" else points
    of_linear = models.filter(pl.col("probe") == "linear")
    means = linear.join(of_linear.group_by(key).agg(mean=pl.col("auroc").mean()), on=key)
    assert means["auroc"].to_list() == pytest.approx(means["mean"].to_list())
    assert len(means) == len(linear) > 0
