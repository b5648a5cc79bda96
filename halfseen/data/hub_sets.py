"""Data sets of the Hugging Face Hub as sources of documents, streamed: `hub:OWNER/NAME`, `hub:OWNER/NAME/CONFIG@SPLIT`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from halfseen.contracts import UserError
from halfseen.data.blocks import Found
from halfseen.data.rows import Faults, choose_column, row_documents

PREFIX = "hub:"

T = TypeVar("T")


@dataclass(frozen=True)
class HubSet:
    """An opened data set: its rows, the column with the text, its bytes as the Hub states them (0 if it does not), its commit."""

    path: str
    rows: Iterable[dict[str, Any]]
    column: str
    bytes: int
    revision: str

    def documents(self) -> Iterator[Found]:
        """The text column's documents; the rows are fetched while they are read. Raises UserError if the connection breaks."""
        cells = ((number, row[self.column]) for number, row in enumerate(self.rows, 1))
        with Faults(self.path) as faults:
            documents = row_documents(cells, self.column, faults)
            while (found := reached(self.path, lambda: next(documents, None))) is not None:
                yield found


def parse(path: str) -> tuple[str, str | None, str]:
    """Name, configuration and split of `hub:NAME`, `hub:OWNER/NAME` or `hub:OWNER/NAME/CONFIG`, each with @SPLIT or of split train."""
    name, _, split = path.removeprefix(PREFIX).partition("@")
    parts = name.split("/")
    if not all(parts) or len(parts) > 3:
        raise UserError("not the name of a Hub data set", where=path, way_out="write hub:OWNER/NAME, or hub:OWNER/NAME/CONFIG@SPLIT")
    return "/".join(parts[:2]), parts[2] if len(parts) == 3 else None, split or "train"


def open_hub_set(path: str, column: str) -> HubSet:
    """Opens a data set and looks at its first row. Raises UserError if that is not possible."""
    name, config, split = parse(path)

    def opened() -> tuple[Any, Any, dict[str, Any] | None]:
        from datasets import load_dataset_builder

        builder = load_dataset_builder(name, config)
        stream = builder.as_streaming_dataset(split=split)
        return builder, stream, next(iter(stream), None)

    builder, stream, first = reached(path, opened)
    if first is None:
        raise UserError(f"split {split!r} is empty", where=path, way_out="name another split: hub:OWNER/NAME@SPLIT")
    chosen = choose_column(column, list(first), [key for key, value in first.items() if isinstance(value, str)], path)
    size = builder.info.dataset_size or builder.info.download_size or 0
    return HubSet(path, stream.select_columns([chosen]), chosen, size, str(builder.hash))


def reached(path: str, call: Callable[[], T]) -> T:
    """What the call gives, its failure in words."""
    try:
        return call()
    except UserError:
        raise
    except Exception as error:  # `datasets` and the network libraries below it share no base class of errors
        offline = isinstance(error, ConnectionError) or "offline" in str(error).lower()
        raise UserError(
            f"cannot be reached ({error})" if offline else f"cannot be read ({type(error).__name__}: {error})",
            where=path,
            way_out="check the network, or name local files" if offline else "check the name, configuration and split, or name local files",
        ) from error
