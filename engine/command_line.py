"""The command line of `python -m engine`, generated from the jobs, so that all verbs are alike."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from .jobs import VERBS
from .parameters import Job
from .protocol import EXIT_BAD_USAGE

# An example for each verb; README and the guide have longer ones.
EXAMPLES = {
    "open-product": "open-product --input S2A_MSIL2A_20240601T105031.zip --output scene.vrt",
    "segment": "segment --input scene.tif --model landcover --output map.tif --confidence confidence.tif",
    "classify": "classify --input scene.tif --model scenes --output scenes.gpkg",
    "detect-change": "detect-change --before 2019.tif --after 2024.tif --model change --output change.tif",
    "uncertain-places": "uncertain-places --input scene.tif --model landcover --output places.gpkg --count 20",
    "batch": "batch segment --model landcover --inputs scenes/*.tif --output-folder maps --beside confidence,areas",
    "finetune": "finetune --inputs scene.tif --labels fields.gpkg --field crop --output-model crops.onnx",
    "pretrain": "pretrain --inputs imagery --base tiny --output-model backbone.safetensors",
    "evaluate": "evaluate --input map.tif --reference points.gpkg --field reference --output-report accuracy.html",
    "sample": "sample --input map.tif --output points.gpkg --size 400",
    "benchmark": "benchmark speed --parts map,polygons --side 2048 --output speed.json",
    "import": "import --input SpectralGPT+.pth --output base.safetensors",
    "export": "export --model landcover --format deepness --output landcover.onnx",
    "rename": "rename --model crops --title 'Crops of the valley'",
    "models": "models --task segmentation",
    "describe": "describe --input scene.tif",
    "doctor": "doctor --tier training",
}
_NUMBERS: dict[str, tuple[Callable[[str], int | float], str]] = {
    "int": (int, "a whole number"),
    "float": (float, "a number"),
}
# Negative numbers, such as extents and no-data values, which look like options.
_NEGATIVE = re.compile(r"-[\d.][\d.,eE+-]*")


class Parser(argparse.ArgumentParser):
    """A parser whose errors say what to do, without printing the long usage first."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with the exit code of bad usage."""
        self.exit(EXIT_BAD_USAGE, f"Error: {message}\nSee: {self.prog} --help\n")


class ListAction(argparse.Action):
    """Takes a list whose items are separated by spaces, commas or both."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Flattens `values`, a list of lists with one for each word."""
        setattr(namespace, self.dest, [item for word in values for item in word])


def parsed(arguments: Sequence[str]) -> dict[str, Any]:
    """Parses the arguments to a dict with "verb", "json", and the job's parameters by name.

    Raises:
        SystemExit: The arguments are malformed (2), or request help (0).
    """
    # A leading space keeps argparse from taking the value for an option.
    words = [f" {word}" if _NEGATIVE.fullmatch(word) else word for word in arguments]
    return vars(parser().parse_args(words))


def parser() -> Parser:
    """The parser of all verbs."""
    top = Parser(prog="python -m engine", description="SpectralGPT engine.")
    verbs = top.add_subparsers(dest="verb", metavar="VERB")
    verbs.add_parser("run", help="run one job from standard input, events on standard output")
    for verb, (job_class, _, _) in VERBS.items():
        sub = verbs.add_parser(
            verb,
            help=job_class.summary,
            usage=_usage(verb, job_class),
            description=job_class.__doc__,
            epilog=f"Example:\n  python -m engine {EXAMPLES[verb]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=False,
        )
        # Required parameters first.
        needed, optional = sub.add_argument_group("needed"), sub.add_argument_group("options")
        for field in dataclasses.fields(job_class):  # type: ignore[arg-type]
            group = needed if field.default is dataclasses.MISSING else optional
            _add_option(group, field)
        optional.add_argument("--json", action="store_true", help="JSON events on standard output")
        optional.add_argument("-h", "--help", action="help", help="show this help and end")
    return top


def _usage(verb: str, job_class: type[Job]) -> str:
    """The usage line with the required parameters; options are listed below it in the help."""
    words = ["python -m engine", verb]
    for field in dataclasses.fields(job_class):  # type: ignore[arg-type]
        if field.metadata.get("positional"):
            words.append("|".join(field.metadata["choices"]))
        elif field.default is dataclasses.MISSING:
            many = " ..." if str(field.type).startswith("tuple") else ""
            words.append(f"{_option(field)} {field.name.upper()}{many}")
    return " ".join([*words, "[options]"])


def _option(field: dataclasses.Field[Any]) -> str:
    return "--" + field.name.replace("_", "-")


def _add_option(group: argparse._ArgumentGroup, field: dataclasses.Field[Any]) -> None:
    kind, choices = str(field.type), field.metadata.get("choices")
    options: dict[str, Any] = {"help": _help(field).replace("%", "%%")}
    if field.metadata.get("positional"):
        group.add_argument(field.name, choices=choices, **options)
        return
    options["dest"] = field.name
    if field.default is dataclasses.MISSING:
        options["required"] = True
    else:
        options["default"] = field.default
    item = kind.removesuffix(" | None").removeprefix("tuple[").removesuffix(", ...]")
    if kind == "bool":
        options["action"] = argparse.BooleanOptionalAction if field.default else "store_true"
    elif kind.startswith("tuple"):
        # Do not split paths at commas.
        whole = item == "str" and not field.metadata.get("words")
        options.update(action=ListAction, nargs="+", type=_items(item, whole))
        options["metavar"] = field.name.upper() if item == "str" else "NUMBER"
    elif item in _NUMBERS:
        options.update(type=lambda word: _number(item, word), metavar="NUMBER")
    elif choices:
        options.update(choices=choices, metavar=f"{{{','.join(filter(None, choices))}}}")
    group.add_argument(_option(field), **options)


def _help(field: dataclasses.Field[Any]) -> str:
    """The parameter's help text with its limits and default."""
    low, high = field.metadata.get("minimum"), field.metadata.get("maximum")
    notes = []
    if low is not None:
        notes.append(f"{low:g} or more" if high is None else f"{low:g} to {high:g}")
    # The help text explains what an empty text, an empty list or 0 means.
    if field.default not in (dataclasses.MISSING, "", None, (), 0, False, True):
        notes.append(f"default {field.default}")
    if field.default is True:
        notes.append("default: yes")
    return str(field.metadata["help"]) + (f" ({'; '.join(notes)})" if notes else "")


def _items(item: str, whole: bool) -> Callable[[str], list[Any]]:
    """A function that splits one word of the command line into items."""

    def split(word: str) -> list[Any]:
        words = [word] if whole else [part for part in word.strip().split(",") if part.strip()]
        return words if item == "str" else [_number(item, part) for part in words]

    return split


def _number(item: str, word: str) -> int | float:
    convert, words = _NUMBERS[item]
    try:
        return convert(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{word.strip()}' is given; give {words}") from None
