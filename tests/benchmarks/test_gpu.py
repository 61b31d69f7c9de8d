"""The table of a GPU can be made: the same code, on a CPU and a small network."""

import pytest
import torch

from benchmarks import gpu


def test_the_table_has_a_row_for_each_precision_and_number_of_seeds(capsys, monkeypatch):
    monkeypatch.setattr(gpu, "COMPARED", 2)
    gpu.main(["--device", "cpu", "--presets", "quick"])
    _, header, *rows, accuracy = capsys.readouterr().out.strip().splitlines()
    assert {"times", "eager", "floor", "CPU"} <= set(header.split())
    kinds = [(row.split()[1], row.split()[2]) for row in rows]
    assert kinds == [(p, seeds) for p in ("float32", "bfloat16") for seeds in ("1", "4")]
    assert float(rows[0].split()[-1]) < 1e-6  # float32 on a CPU is what it is compared with
    assert accuracy.startswith("quick: ")
    assert accuracy.endswith("on the twin")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_measured(capsys):
    gpu.main([])
    assert capsys.readouterr().out == "not measured: no GPU at hand\n"
