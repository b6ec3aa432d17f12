"""`make bench`: the figures of docs/performance.md. Machines differ, so what counts are ratios within one run."""
