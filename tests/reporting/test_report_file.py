"""A report is written where a caller in Python wants it, and never over anything else."""

from pathlib import Path

import pytest
import synthetic_tables as synthetic

from denote.api.report_file import write_report
from denote.errors import StoreError
from denote.reporting.page.repeat import Recipe
from denote.reporting.report import Picture, Report


def small(title: str, **given: object) -> Report:
    return Report(title, [], synthetic.empty_tables(), **{"figures": [], **given})  # type: ignore[arg-type]


def test_folders_are_made_and_an_older_report_is_replaced(tmp_path: Path) -> None:
    path = write_report(small("first"), tmp_path / "new" / "deep" / "x.html")
    assert path == tmp_path / "new" / "deep" / "x.html"
    assert write_report(small("second"), str(path)) == path
    assert "second" in path.read_text(encoding="utf-8")
    assert write_report(small("third"), tmp_path / "new") == tmp_path / "new" / "report.html"


@pytest.mark.parametrize("content", ["", "<p>my thesis</p>"])
def test_what_is_no_report_stays(tmp_path: Path, content: str) -> None:
    path = tmp_path / "thesis.html"
    path.write_text(content)
    with pytest.raises(StoreError, match="is no report of denote and would be lost"):
        write_report(small("mine"), path)
    assert path.read_text() == content


@pytest.mark.parametrize("record", ["run.json", "status.json"])
@pytest.mark.parametrize("name", ["", "report.html", "mine.html"])
def test_the_sealed_folder_of_a_job_or_a_sweep_stays(tmp_path: Path, record: str, name: str) -> None:
    """Its record holds the digest of its report, and the next merge would replace all else."""
    sealed = write_report(small("its own"), tmp_path / "results" / "report.html")
    (sealed.parent / record).write_text("{}")
    with pytest.raises(StoreError, match=r"has a report of its own.*outside") as refused:
        write_report(small("OTHER"), sealed.parent / name)
    assert "\n" not in str(refused.value)
    assert "its own" in sealed.read_text(encoding="utf-8")
    assert sorted(file.name for file in sealed.parent.iterdir()) == sorted(["report.html", record])


def test_links_lead_from_where_it_lies(tmp_path: Path) -> None:
    job = tmp_path / "runs" / "a+b=<1>"
    report = small(
        "far",
        figures=[Picture(tmp_path / "runs" / "sweep" / "figures" / "map.png", "a map")],
        recipes=[Recipe(job.name, [], {}, report=job / "report.html")],
    )
    text = write_report(report, tmp_path / "elsewhere" / "far.html").read_text(encoding="utf-8")
    assert 'href="../runs/sweep/figures/map.png"' in text
    assert 'href="../runs/a%2Bb%3D%3C1%3E/report.html"' in text
