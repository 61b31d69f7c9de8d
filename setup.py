"""Adds data/, docs/ and notebooks/ to what is installed; all else is in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["mraf*"]), "mraf_data", "mraf_docs", "mraf_notebooks"],
    package_dir={"mraf_data": "data", "mraf_docs": "docs", "mraf_notebooks": "notebooks"},
)
