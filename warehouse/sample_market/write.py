"""Writing the generated tables as Parquet in the columns of the raw tables.

Add nothing but ways of writing here. Keep what the values are in the other modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.raw_tables import RAW_TABLE_BY_NAME

ARROW_TYPES = {
    "VARCHAR": pa.string(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "DOUBLE": pa.float64(),
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
}


def raw_schema(table_name: str) -> pa.Schema:
    """Return the Arrow schema of a raw table, all its columns in order."""
    table = RAW_TABLE_BY_NAME[table_name]
    return pa.schema([(c.name, ARROW_TYPES[c.type]) for c in table.columns])


def _array(values: object, arrow_type: pa.DataType) -> pa.Array:
    """Convert a numpy array, a list or an Arrow array; NaN and NaT become NULL."""
    if isinstance(values, pa.Array):
        return values.cast(arrow_type)
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return pa.array(values, arrow_type, from_pandas=True)
    return pa.array(values, arrow_type)


def raw_table(table_name: str, columns: Mapping[str, object]) -> pa.Table:
    """Build the Arrow table of a raw table; columns not given are NULL.

    Raises
    ------
    KeyError
        If a column is given that the raw table does not declare.
    """
    schema = raw_schema(table_name)
    unknown = set(columns) - set(schema.names)
    if unknown:
        raise KeyError(f"{table_name} has no column {sorted(unknown)}")
    rows = len(next(iter(columns.values())))  # type: ignore[arg-type]
    arrays = [
        _array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table whole: to a temporary name beside it, then renamed into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    pq.write_table(table, temporary, compression="zstd", compression_level=1)
    temporary.replace(path)


def text_column(values: object, index: object) -> pa.Array:
    """Return ``values[index]`` as text, encoded once per distinct value."""
    indices = pa.array(index, pa.int32())
    dictionary = pa.array(np.asarray(values).tolist(), pa.string())
    return pa.DictionaryArray.from_arrays(indices, dictionary)
