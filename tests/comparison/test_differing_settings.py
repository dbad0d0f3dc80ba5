"""Settings that differ, as dotted keys; what is swept is told as such."""

from compared_results import result

from denote.comparison.compared import Compared
from denote.comparison.settings import NOT_SET, differing_settings


def told(one: Compared, other: Compared) -> dict[str, tuple[str, str]]:
    return {each.key: (each.baseline, each.other) for each in differing_settings(one, other)}


def test_equal_settings_do_not_differ() -> None:
    assert told(result(), result("b")) == {}


def test_settings_are_told_by_their_keys_with_dots() -> None:
    found = told(result(), result("b", probe__linear__l2=0.1, architecture___target_="other.Net", trainer__wide=[1, 2]))
    assert found == {
        "architecture": ("Network", "Net"), "probe.linear.l2": ("0.001", "0.1"), "trainer.wide": (NOT_SET, "[1,2]"),
    }  # fmt: skip
    assert list(found) == ["architecture", "trainer.wide", "probe.linear.l2"], "what was trained comes first"


def test_what_is_swept_is_one_setting_with_several_values() -> None:
    assert told(result(), result("b", seeds=[0, 1, 2])) == {"seed": ("0 to 3", "0 to 2")}
    assert told(result(seeds=[0, 2]), result("b", seeds=[1])) == {"seed": ("0, 2", "1")}


def test_of_absolute_paths_only_what_differs_is_told() -> None:
    one, other = (result("a", architecture__path=f"/home/somebody/{name}/net.pt") for name in ("before", "after"))
    assert told(one, other) == {"architecture.path": ("before/net.pt", "after/net.pt")}


def test_of_paths_in_lists_too_only_what_differs_is_told() -> None:
    def reading(name: str, *paths: str) -> Compared:
        return result(name, dataset__files=list(paths))

    found = told(reading("a", "/home/me/x.csv", "/home/me/y z.csv"), reading("b", "/home/me/x.csv"))
    assert found == {"dataset.files": ("[x.csv,y z.csv]", "[x.csv]")}
    found = told(reading("a", "/home/me/old/x.csv"), reading("b", "/home/me/new/x.csv"))
    assert found == {"dataset.files": ("[old/x.csv]", "[new/x.csv]")}
    nested = (result("a", dataset__files=[{"path": f"/home/me/{name}.csv"}]) for name in ("x", "y"))
    assert told(*nested) == {"dataset.files": ("[{'path': 'x.csv'}]", "[{'path': 'y.csv'}]")}
    assert told(result("a", dataset__unit="m/s"), result("b", dataset__unit="/")) == {"dataset.unit": ("m/s", "/")}


def test_without_configs_tables_tell_what_they_can() -> None:
    found = told(result(known=False), result("b", seeds=[0, 1], probe__linear__l2=0.1))
    assert found == {"seed": ("0 to 3", "0, 1")}
