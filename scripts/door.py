from importlib.util import find_spec

if find_spec("mraf") is None:  # Colab, Kaggle, Studio Lab: installs mraf, leaves torch as it is
    import subprocess
    import sys

    SOURCE = "mraf-0.1.0-py3-none-any.whl"  # beside this notebook, unless written by `make badges`
    for step in (["pip", "install", "-q", "--no-deps", SOURCE], ["mraf", "doctor", "--install"]):
        subprocess.run([sys.executable, "-m", *step], check=True)
