"""The command line: ``python -m lib``."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from lib import presets


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 for an error, 2 for a wrong command, 130 after Ctrl-C."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.command(options) or 0)
    except KeyboardInterrupt:
        print(
            "\nStopped. Finished seeds are stored: the same command goes on with those that are missing.",
            file=sys.stderr,
        )
        return 130
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        sys.stderr.close()
        return 0
    except (ValueError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lib", description="Run experiments, and look at what they gave.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=run)
        return sub

    command("list", _list, "List the experiments and their presets.")

    run = command("run", _run, "Run an experiment, or find its stored record.")
    sweep = command(
        "sweep", _sweep, "Run an experiment on many processes or machines, for every value of some settings."
    )
    for each in (run, sweep):
        each.add_argument("experiment", metavar="EXPERIMENT")
        each.add_argument(
            "--preset", default=None, help=f"one of {', '.join(presets.PRESETS)} (default: $BOOK_PRESET, or book)"
        )
        each.add_argument(
            "--seeds", type=parse_seeds, default=None, help="seeds instead of the preset's: 0-19, or 0,3,5"
        )
        each.add_argument("--device", default=None, help="cpu or cuda (default: cuda where there is one)")
        each.add_argument("--store", action="store_true", help="keep the record in book/records, with the source")
    sweep.add_argument(
        "--grid", nargs="*", metavar="SETTING=VALUES", help="values of settings, as in rate=0.1,0.05 epochs=10,20"
    )
    sweep.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster that runs (default: this machine)")
    sweep.add_argument(
        "--workers", type=int, metavar="N", help="processes on this machine (default: its cores or GPUs)"
    )
    sweep.add_argument(
        "--retries", type=int, default=3, metavar="N", help="times that a failed batch is tried again (default: 3)"
    )

    command("records", _records, "List the stored records and where they come from.")

    ledger = command("ledger", _ledger, "Print the verdict on every claim.")
    ledger.add_argument("--json", action="store_true", help="as JSON, one row per claim")

    report = command(
        "report", _report, "Report on weights, checkpoints or recordings of your own: one HTML file with figures."
    )
    report.add_argument("files", nargs="+", metavar="FILE", help=".safetensors, .pt, .pth, .bin, .ckpt, .npz or .nwb")
    report.add_argument("--output", metavar="HTML", help="file to write (default: named after the first)")
    report.add_argument("--bins", type=int, default=256, help="of the weights' histograms (default: 256)")
    report.add_argument("--seed", type=int, default=0, help="of the controls (default: 0)")
    report.add_argument(
        "--model",
        metavar="MODULE:FUNCTION",
        help="what builds the network of the weights, to read its layers, too; it is imported and run",
    )
    report.add_argument("--inputs", metavar="NPY", help="array (sample, ...) that the network is run on")

    bench = command("bench", _bench, "Measure the speed of the library against what one would otherwise do.")
    bench.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run (default: all)")
    bench.add_argument("--store", action="store_true", help="keep the results for the book's page, in book/benchmarks")

    build = command("build", _build, "Build the book (what `make book` does once everything is installed).")
    build.add_argument("--output", metavar="FOLDER", help="folder in which _build is made (default: the project's)")
    build.add_argument(
        "--preset", choices=presets.PRESETS, help="size of the computations (default: $BOOK_PRESET, or book)"
    )
    build.add_argument("--force", action="store_true", help="execute and build everything again")

    pdf = command("pdf", _pdf, "Print the whole book into one PDF, with the system's Chromium.")
    pdf.add_argument(
        "--output", metavar="FOLDER", type=Path, help="folder in which _build is made (default: the project's)"
    )
    pdf.add_argument(
        "--preset", choices=presets.PRESETS, help="size of the computations (default: $BOOK_PRESET, or book)"
    )
    return parser


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds meant by ``0-19``, ``0,3,5`` or a mixture of both.

    Raises
    ------
    argparse.ArgumentTypeError
        If the text is no list of seeds.

    Examples
    --------
    >>> parse_seeds("0-2,7")
    (0, 1, 2, 7)
    """
    seeds: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            seeds += range(int(first), int(last or first) + 1)
    except ValueError:
        seeds = []
    if not seeds or len(set(seeds)) < len(seeds):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of different seeds: write 0-19, or 0,3,5.")
    return tuple(seeds)


def _list(options: argparse.Namespace) -> None:
    from lib.experiments import EXPERIMENTS

    for experiment in EXPERIMENTS.values():
        sizes = ", ".join(f"{name} ({len(config.seeds)} seeds)" for name, config in experiment.presets.items())
        print(f"{experiment.name}\n    {experiment.summary}\n    presets: {sizes}")


@contextmanager
def _heeding_ctrl_c() -> Iterator[Callable[[], None]]:
    """Yield a function that raises KeyboardInterrupt where Ctrl-C was pressed and nothing came of it.

    Python raises the exception wherever it is just then, and drops it if that is in a destructor or in a callback of a
    weak reference.
    """
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.default_int_handler(number, frame)

    def heed() -> None:
        if pressed:
            raise KeyboardInterrupt

    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else it is ignored, as under nohup
    if ours:
        signal.signal(signal.SIGINT, note)
    try:
        yield heed
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _bar() -> Iterator[Callable[[float, str], None]]:
    """Yield a function that shows progress; that is also where a Ctrl-C that got lost ends the run."""
    from tqdm import tqdm

    shown = tqdm(total=1.0, bar_format="{percentage:3.0f} % |{bar}| {elapsed} < {remaining}  {desc}")
    with shown as bar, _heeding_ctrl_c() as heed:

        def progress(fraction: float, message: str) -> None:
            heed()
            bar.set_description_str(message, refresh=False)
            bar.update(max(0.0, min(1.0, fraction) - bar.n))

        yield progress


def _run(options: argparse.Namespace) -> None:
    from lib import device, records

    with _bar() as progress:
        result = records.obtain(
            options.experiment,
            options.preset,
            options.seeds,
            device=device.choose(options.device),
            store=options.store,
            progress=progress,
        )
    print(_summary(result.attrs))


def _sweep(options: argparse.Namespace) -> int:
    from lib import experiments, presets, record_files, sweep

    grid = None
    if options.grid is not None:
        experiment = experiments.get(options.experiment)
        grid = sweep.parse_grid(options.grid, experiment.config(options.preset or presets.active()))
    try:
        with _bar() as progress:
            outcome = sweep.run(
                options.experiment,
                options.preset,
                options.seeds,
                grid,
                device=options.device,
                scheduler=options.scheduler,
                workers=options.workers,
                retries=options.retries,
                store=options.store,
                progress=progress,
            )
    except sweep.UnreachableError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    for batch, why in outcome.failed.items():
        print(f"Failed: {batch}: {why}", file=sys.stderr)
    print(f"{outcome.made} records made, {outcome.there} were there, in {record_files.cache_folder()}")
    return int(bool(outcome.failed))


def _summary(attrs: dict[str, Any]) -> str:
    import json

    seeds = json.loads(attrs["seeds"])
    return (
        f"{attrs['experiment']}, preset {attrs['preset']}, {len(seeds)} seeds, {attrs['wall_time_s']:.0f} s on "
        f"{attrs['device']}, revision {attrs['revision']}, made {attrs['created']}"
    )


def _records(options: argparse.Namespace) -> None:
    from lib import record_files, records

    found = records.stored()
    for record in found:
        print(f"{record.path.name}{' (stale)' if record.stale else ''}\n    {_summary(record.attrs)}")
    if not found:
        print(
            f"No record in {record_files.stored_folder()}: "
            "make one with `python -m lib run EXPERIMENT --preset paper --store`."
        )


def _ledger(options: argparse.Namespace) -> None:
    from lib import claims

    rows = claims.ledger()
    print(claims.to_json(rows) if options.json else claims.to_text(rows))


def _report(options: argparse.Namespace) -> None:
    from lib.report import builder, default_output, read_inputs, report_files

    output = options.output or default_output(options.files)
    model = builder(options.model) if options.model else None
    inputs = read_inputs(options.inputs) if options.inputs else None
    print(report_files(options.files, output, bins=options.bins, seed=options.seed, model=model, inputs=inputs))


def _bench(options: argparse.Namespace) -> None:
    from lib.bench import BENCHMARKS, store

    if unknown := sorted(set(options.names) - set(BENCHMARKS)):
        raise ValueError(f"Unknown benchmark {unknown[0]!r}: choose some of {', '.join(BENCHMARKS)}.")
    for name in options.names or BENCHMARKS:
        result = BENCHMARKS[name]()
        print(result, flush=True)
        if options.store:
            store(result)


def _build(options: argparse.Namespace) -> int:
    from lib import build

    chosen = {name: value for name in ("output", "preset") if (value := getattr(options, name))}
    force = ["--force"] if options.force else []
    return build.main([*(f"--{name}={value}" for name, value in chosen.items()), *force])


def _pdf(options: argparse.Namespace) -> int:
    from lib.build import BuildError
    from lib.pdf import print_book

    try:
        print(f"The book is at {print_book(output=options.output, preset=options.preset)}")
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
