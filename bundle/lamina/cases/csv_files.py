"""CSV files as people and their spreadsheets write them."""

import csv
from pathlib import Path

from lamina.errors import DataError


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the lines of a CSV file by the columns of its first one.

    Commas divide the columns or, as spreadsheets of some countries write it, semicolons.

    Raises
    ------
    DataError
        If it is no text in UTF-8, or no CSV.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv")
    ...     _ = path.write_text("case;patient\\na;P1\\n")
    ...     read_csv(path)
    [{'case': 'a', 'patient': 'P1'}]
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        header = text.partition("\n")[0]
        delimiter = ";" if header.count(";") > header.count(",") else ","
        return list(csv.DictReader(text.splitlines(), delimiter=delimiter))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not CSV in UTF-8 ({error})", "save it as CSV, UTF-8") from error
