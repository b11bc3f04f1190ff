"""What tensorflow-datasets downloads and prepares: as records that can be read in any order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmark.data.images import DataError


def prepared(
    name: str,
    data_dir: Path | None,
    say: Callable[[str], None],
    manual: Callable[[Path], Path] | None = None,
) -> Any:
    """Return the builder of a data set, which is prepared first if it is not yet.

    ``data_dir``: where tensorflow-datasets keeps its data sets, if not in its default folder.
    ``manual``: from the data set's folder to that of the files which the user downloads. Raises
    DataError if it is prepared in another format than ArrayRecord.
    """
    import tensorflow_datasets as tfds

    builder = tfds.builder(name, data_dir=data_dir)
    place = Path(builder.data_path)
    if not builder.is_prepared():
        config = tfds.download.DownloadConfig(manual_dir=manual and manual(place))
        say(f"tensorflow-datasets prepares {place}")
        builder.download_and_prepare(file_format="array_record", download_config=config)
    kept_as = builder.info.file_format
    if kept_as is None or kept_as.value != "array_record":
        rule = f"{place} must be prepared as array_record, to be read in any order"
        raise DataError(f"{rule}. Received: {kept_as and kept_as.value}")
    say(f"{place} is prepared; each record is read once, to list it")
    return builder


def open_records(folder: Path, split: str) -> Any:
    """Return a split's records, in tensorflow-datasets' own order; images stay encoded."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    return builder.as_data_source(split=split, decoders={"image": tfds.decode.SkipDecoding()})


@contextmanager
def only_data_errors(what: str) -> Iterator[None]:
    """Raise DataError, which begins with ``what``, in place of any other error: tensorflow-datasets
    passes on whatever its parts raise."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{what} ({type(error).__name__}: {error})") from error
