"""The Allen Brain Observatory's files: where allensdk keeps them, whether they are whole, and how they get there."""

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from lib.data import _transfer, images
from lib.data._download import TIMEOUT, _socket_timeout
from lib.data._formats import first_line, read_npz
from lib.files import whole

SERVER: str | None = None  # where files come from: allensdk's own choice


class File(NamedTuple):
    """One of the files that make up a session."""

    path: Path
    query: str  # the template in allensdk that asks for its link
    check: Callable[[Path], None]  # raises ValueError with the reason if it cannot be read


def files_of(observatory: Any, session_id: int) -> tuple[File, File]:
    def path(key: str) -> Path:
        return Path(observatory.get_cache_path(None, key, session_id))

    return (
        File(path(observatory.EXPERIMENT_DATA_KEY), "ophys_experiment_data", _check_data),
        File(path(observatory.EVENTS_DATA_KEY), "ophys_events_file", _check_events),
    )


def _check_data(path: Path) -> None:
    import h5py

    from lib.netcdf import require_content  # slow to import

    try:
        with h5py.File(path, "r") as file:  # a truncated file is not opened
            processing = file["processing/brain_observatory_pipeline"]
            _ = processing["ImageSegmentation/cell_specimen_ids"][()], file["stimulus/presentation"]
            file.visititems(lambda _, each: require_content(each) if isinstance(each, h5py.Dataset) else None)
    except Exception as error:  # h5py raises what it likes on damaged files
        raise ValueError(f"it is damaged or no session's NWB file ({first_line(error)})") from error


def _check_events(path: Path) -> None:
    try:
        events = read_npz(path, ("ev",))["ev"]
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from error
    if events.dtype.kind not in "buif":
        raise ValueError(f"its events are {events.dtype}, not numbers")


def observatory_in(cache_folder: str | Path | None) -> Any:
    """Return allensdk's `BrainObservatoryCache` of a folder."""
    try:
        with quiet():
            from allensdk.core.brain_observatory_cache import BrainObservatoryCache
    except ImportError as error:
        raise ImportError(
            f"The Allen Brain Observatory is read by allensdk, which cannot be imported here ({error}): with Python "
            "3.11, pip install 'allensdk==2.16.2' 'statsmodels<0.15' 'setuptools<81'."
        ) from error
    default = images.cache_folder() / "allen-brain-observatory"
    folder = default if cache_folder is None else Path(cache_folder).expanduser()
    manifest = folder / "manifest.json"
    with quiet():
        if manifest.exists():
            with suppress(Exception):  # broken, or another version's: allensdk writes it again
                observatory = BrainObservatoryCache(manifest_file=str(manifest), base_uri=SERVER)
                _ = observatory.get_cache_path(None, observatory.EXPERIMENTS_KEY), files_of(observatory, 0)
                return observatory
        with whole(manifest) as temporary:
            BrainObservatoryCache(manifest_file=str(temporary), base_uri=SERVER)
        return BrainObservatoryCache(manifest_file=str(manifest), base_uri=SERVER)


def published_table(observatory: Any, key: str, what: str, query: Callable[[], Any]) -> list[dict[str, Any]]:
    """Read one of the published tables, fetching it if need be."""
    path = Path(observatory.get_cache_path(None, key))
    rows = _json(path) if path.exists() else None
    if rows:
        return rows
    if path.exists():
        warnings.warn(f"{path} is not whole: it is fetched again.", stacklevel=3)
    try:
        _require_network()
        print(f"Allen Brain Observatory: downloading the table of {what} into {path}", file=sys.stderr, flush=True)
        with quiet(), _socket_timeout(TIMEOUT):
            rows = list(query())
        with whole(path) as temporary:
            temporary.write_text(json.dumps(rows))
    except Exception as error:  # allensdk raises bare exceptions, besides those of sockets
        raise FileNotFoundError(
            f"The table of {what} is not in {path.parent} and cannot be downloaded ({error}): put {path.name} there, "
            "or ask again with internet access."
        ) from error
    return rows


def fetch_missing(observatory: Any, session_id: int, files: Sequence[File]) -> None:
    missing = []
    for file in files:
        if file.path.exists():
            try:
                file.check(file.path)
                continue
            except ValueError as error:
                warnings.warn(f"{file.path} cannot be used, {error}: it is fetched again.", stacklevel=3)
        missing.append(file)
    if not missing:
        return
    folder = files[0].path.parent.parent
    try:
        _require_network()
        links = [_link(observatory, session_id, file) for file in missing]
        amount = _megabytes([_transfer.size(link) for link in links])
        print(
            f"Allen Brain Observatory, session {session_id}: downloading {amount} into {folder}",
            file=sys.stderr,
            flush=True,
        )
        for link, file in zip(links, missing, strict=True):
            _transfer.fetch(link, file.path, file.check)
    except _transfer.TransferError as error:
        names = " and ".join(str(file.path.relative_to(folder)) for file in missing)
        raise FileNotFoundError(
            f"Session {session_id} is not whole in {folder} and cannot be downloaded ({error}): put {names} there, or "
            "ask again with internet access."
        ) from error


def _link(observatory: Any, session_id: int, file: File) -> str:
    try:
        with quiet(), _socket_timeout(TIMEOUT):
            rows = observatory.api.template_query(
                "brain_observatory_queries", file.query, ophys_experiment_id=session_id
            )
    except Exception as error:  # allensdk raises bare exceptions, besides those of sockets
        raise _transfer.TransferError(str(error)) from error
    if not rows:
        raise _transfer.TransferError(f"the observatory has no {file.path.name}; `sessions` lists what there is")
    return observatory.api.api_url + rows[0]["download_link"]


def size_of(observatory: Any, session_id: int, files: Sequence[File]) -> int | None:
    """Size of a session's files in bytes, asking the server for those that are not here."""
    total = 0
    for file in files:
        if file.path.exists():
            total += file.path.stat().st_size
            continue
        try:
            _require_network()
            size = _transfer.size(_link(observatory, session_id, file))
        except _transfer.TransferError:
            size = None
        if size is None:
            return None
        total += size
    return total


def _megabytes(sizes: Sequence[int | None]) -> str:
    if any(size is None for size in sizes):
        return "a file of unknown size" if len(sizes) == 1 else "files of unknown size"
    return f"{sum(size or 0 for size in sizes) / 1e6:,.1f} MB"


def _require_network() -> None:
    if os.environ.get("BOOK_OFFLINE", "0") not in ("", "0"):
        raise _transfer.TransferError("BOOK_OFFLINE is set")


def _json(path: Path) -> Any:
    """Content of a JSON file; None if it is not whole, or cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):  # the last of lists in lists in lists
        return None


@contextmanager
def quiet() -> Iterator[None]:
    """Silence allensdk's warnings, which are of the age of what it stands on and say nothing of the data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
