"""Evidence from an existing Dask cluster: units go out as text, rows come back as bytes."""
