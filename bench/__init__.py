"""Benchmarks: `ppcdbt bench`. bench/README.md describes the reports."""
