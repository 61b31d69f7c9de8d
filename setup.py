"""Adds data/ to the packages that are installed, as mraf_data; all else is in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["mraf*"]), "mraf_data"],
    package_dir={"mraf_data": "data"},
)
