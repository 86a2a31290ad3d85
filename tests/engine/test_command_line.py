import dataclasses
import shlex

import pytest

from engine.command_line import EXAMPLES, parsed, parser
from engine.jobs import VERBS

SEGMENT = ["segment", "--input", "a.tif", "--model", "m", "--output", "b.tif"]


@pytest.mark.parametrize(
    ("words", "bands"),
    [
        (["4", "3", "2"], [4, 3, 2]),
        (["4,3,2"], [4, 3, 2]),
        (["4,3", "2"], [4, 3, 2]),
        (["4,", "3,", "2"], [4, 3, 2]),
        (["4, 3, 2"], [4, 3, 2]),
    ],
)
def test_numbers_may_have_spaces_or_commas_between_them(words, bands):
    assert parsed([*SEGMENT, "--bands", *words])["bands"] == bands


@pytest.mark.parametrize("words", [["-1.5,40,-1e-1,41"], ["-1.5", "40", "-1e-1", "41"]])
def test_a_minus_in_front_of_a_number_is_no_option(words):
    assert parsed([*SEGMENT, "--extent", *words, "--cog"])["extent"] == [-1.5, 40, -0.1, 41]


def test_words_may_have_commas_between_them_and_paths_keep_theirs():
    assert parsed(["benchmark", "speed", "--parts", "map,polygons", "size"])["parts"] == [
        "map",
        "polygons",
        "size",
    ]
    batch = ["batch", "segment", "--model", "m", "--output-folder", "out"]
    given = parsed([*batch, "--inputs", "a,b.tif", "c.tif", "--beside", "areas,vector"])
    assert given["inputs"] == ["a,b.tif", "c.tif"]
    assert given["beside"] == ["areas", "vector"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([*SEGMENT, "--overlap", "much"], "--overlap: 'much' is given; give a whole number"),
        ([*SEGMENT, "--min-area", "1ha"], "--min-area: '1ha' is given; give a number"),
        ([*SEGMENT, "--bands", "1,B03"], "--bands: 'B03' is given; give a whole number"),
        ([*SEGMENT, "--device", "tpu"], "choose from"),
        (["segment", "--input", "a.tif"], "required: --model, --output"),
        (["segmnt"], "choose from"),
    ],
)
def test_a_wrong_word_is_told_without_the_usage_of_everything(words, told, capsys):
    with pytest.raises(SystemExit) as ended:
        parsed(words)
    assert ended.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert told in lines[0]
    assert lines[1].startswith("See: python -m engine") and len(lines) == 2


def test_every_verb_has_an_example_that_is_taken():
    assert set(EXAMPLES) == set(VERBS)
    for verb, example in EXAMPLES.items():
        given = parsed(shlex.split(example))
        assert given.pop("verb") == verb
        del given["json"]
        VERBS[verb][0].from_parameters(given)


def test_help_has_what_is_needed_first_and_tells_limits_and_defaults(capsys):
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["segment", "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith(
        "usage: python -m engine segment --input INPUT --model MODEL --output OUTPUT [options]\n"
    )
    assert told.index("needed:") < told.index("--output OUTPUT ", 100) < told.index("options:")
    assert "(0 to 75; default 25)" in " ".join(told.split())
    assert told.endswith(f"  python -m engine {EXAMPLES['segment']}\n")


def test_every_parameter_of_every_verb_can_be_given():
    for verb, (job_class, _, _) in VERBS.items():
        names = {field.name for field in dataclasses.fields(job_class)}
        assert set(parsed(shlex.split(EXAMPLES[verb]))) == names | {"verb", "json"}
