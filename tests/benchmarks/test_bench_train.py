"""What the training benchmark refuses, and how it reckons a chip's share; what it measures is not a test's matter."""

import sys

import pytest

from tests.benchmarks import bench_train
from tests.benchmarks.train_shapes import peak_of, share_of_limit


@pytest.mark.parametrize("backend", ["trl", "unsloth"])
def test_a_shape_is_refused_in_words_without_a_card(
    backend: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["bench_train", "--shape", "gemma3-270m", "--backend", backend])
    with pytest.raises(SystemExit) as stopped:
        bench_train.main()
    told = capsys.readouterr().err
    assert stopped.value.code == 2 and "needs a CUDA GPU" in told and "--tiny" in told and "Traceback" not in told


def test_the_share_of_a_chip_is_reckoned_from_its_name() -> None:
    assert share_of_limit(10**9, 10_000, "NVIDIA H100 80GB HBM3") == pytest.approx(6e13 / 989e12, abs=1e-4)
    assert peak_of("NVIDIA A100-SXM4-80GB") == 312e12 and peak_of("Tesla T4") == 65e12
    assert peak_of("NVIDIA A10G") != peak_of("NVIDIA A10") and peak_of("NVIDIA H100 PCIe") == 756e12
    for device in ("GeForce 8800 GTX", "NVIDIA H100 80GB HBM3 MIG 1g.10gb"):
        assert share_of_limit(10**9, 10_000, device) == f"unknown chip: {device}"
