"""Inputs of a page come from its jobs, each once, and what is not there is told."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from denote.observation.input_pictures import sprite_of
from denote.observation.inputs_shown import InputsShown
from denote.reporting.page import inputs
from denote.reporting.page.inputs import page_inputs
from denote.runs.reports import data_sources, held_inputs
from denote.tables import INPUTS


def wanted(*samples: tuple[str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"source": source, "sample": sample, "rank": place} for place, (source, sample) in enumerate(samples)],
        {"source": pl.String, "sample": pl.Int64, "rank": pl.Int64},
    )


def texts(**by_sample: str) -> InputsShown:
    rows = [{"sample": int(key[1:]), "kind": "row", "sprite": None, "text": text} for key, text in by_sample.items()]
    return InputsShown(pl.DataFrame(rows, dict(INPUTS)))


def pictures(samples: list[int], shades: list[float], size: int = 4) -> InputsShown:
    planes = np.stack([np.full((1, size, size), shade, np.float32) for shade in shades])
    sprite = sprite_of(lambda part: planes[part], len(planes))
    assert sprite is not None
    rows = [{"sample": sample, "kind": "image", "sprite": at, "text": None} for at, sample in enumerate(samples)]
    return InputsShown(pl.DataFrame(rows, dict(INPUTS)), sprite.png, sprite.tile)


def test_jobs_are_read_until_every_sample_has_its_input() -> None:
    read = []

    def held() -> Iterator[tuple[str, InputsShown | None]]:
        for number, shown in enumerate(
            [texts(s1='{"age": "3"}'), texts(s1='{"age": "9"}', s2='{"<b>": "x"}'), texts()]
        ):
            read.append(number)
            yield "people", shown

    found = page_inputs(wanted(("people", 1), ("people", 2)), held())
    assert found.entries == {"people": {"1": {"row": {"age": "3"}}, "2": {"row": {"<b>": "x"}}}}
    assert read == [0, 1]
    assert found.note is None


def test_pictures_of_several_jobs_stand_on_one_sprite_of_the_page() -> None:
    jobs = [("digits", pictures([7, 9], [0.0, 1.0])), ("digits", pictures([9, 4], [0.0, 1.0]))]
    found = page_inputs(wanted(("digits", 4), ("digits", 9)), jobs)
    (sprite,), (png,) = found.sprites, found.pictures
    assert (sprite["tile"], sprite["tiles"]) == ([4, 4], 2)
    places = {sample: entry["sprite"] for sample, entry in found.entries["digits"].items()}
    assert set(places) == {"4", "9"}
    pixels = np.asarray(Image.open(BytesIO(png)))
    assert {int(pixels[0, 4 * tile]) for _, tile in places.values()} == {255}
    (image,) = found.images()
    assert image["id"] == sprite["id"]
    assert image["uri"].startswith("data:image/png;base64,")


def test_what_is_withheld_unknown_or_without_room_is_told() -> None:
    one = wanted(("people", 1), ("people", 2))
    withheld = page_inputs(one, [("people", InputsShown.withheld())])
    assert withheld.note == "Inputs are not shown (report.inputs=false)."
    assert withheld.entries == {}
    assert "earlier versions" in (page_inputs(one, [("people", None)]).note or "")
    assert page_inputs(wanted(), []).note == "No neuron that denotes has inputs to show."
    long = texts(s1='{"a": "' + "x" * 50 + '"}', s2='{"a": "' + "x" * inputs.LARGEST_TEXTS + '"}')
    short = page_inputs(one, [("people", long)])
    assert list(short.entries["people"]) == ["1"]
    assert short.note == "1 rows or texts have no room."


def test_data_of_one_name_keep_their_own_inputs(tmp_path: Path) -> None:
    networks, sources = ("a" * 16, "b" * 16, "c" * 16), ("a/people.csv", "b/people.csv", "a/people.csv")
    neurons = pl.DataFrame({"object_model": networks, "dataset": ["people"] * 3})
    jobs = []
    for network, path in zip(networks, sources, strict=True):
        folder = tmp_path / network
        folder.mkdir()
        texts(s3=f'{{"from": "{path}"}}').write(folder)
        jobs.append((folder, {"object_model": network, "config": {"dataset": {"path": path}}}))
    of = data_sources(jobs, neurons)
    assert list(of.values()) == ["people", "people (2)", "people"]
    found = page_inputs(wanted(("people", 3), ("people (2)", 3)), held_inputs(jobs, of))
    assert {source: entries["3"]["row"]["from"] for source, entries in found.entries.items()} == {
        "people": "a/people.csv",
        "people (2)": "b/people.csv",
    }
