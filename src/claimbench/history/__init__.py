"""What asv follows over commits; ``asv.conf.json`` in the checkout names the benchmarks here."""
