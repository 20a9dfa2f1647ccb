"""Evidence: what contenders did, one row per contender, cell and replicate."""
