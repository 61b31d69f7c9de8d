"""Kill training with SIGKILL at ten random instants, resume after each, compare the final weights.

    python benchmarks/kill_and_resume.py [KILLS] [SEED]

Trains the quick preset on the twin on the CPU, once uninterrupted and once killed again and again.
Prints when each kill came and whether the weights are equal, bit for bit; exit code 1 if not.
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from mraf.training.runs import MODEL, Run

TRAIN = [sys.executable, "-m", "mraf", "train", "--data", "twin", "--preset", "quick"]
TRAIN += ["--device", "cpu", "--resume", "--out"]


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    with tempfile.TemporaryDirectory() as folder:
        straight, killed = Path(folder, "straight"), Path(folder, "killed")
        start = time.perf_counter()
        process = subprocess.Popen([*TRAIN, straight], stdout=-3, stderr=-3)
        while not (straight / "config.json").exists() and process.poll() is None:
            time.sleep(0.01)
        startup = time.perf_counter() - start
        process.wait()
        whole = time.perf_counter() - start
        print(f"uninterrupted: {whole:.1f} s with start-up")
        done = 0
        while done < kills and not (killed / MODEL).exists():
            process = subprocess.Popen([*TRAIN, killed], stdout=-3, stderr=-3)
            instant = startup + rng.uniform(0, (whole - startup) / 5)
            try:
                process.wait(instant)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                done += 1
                history = killed / "history.csv"
                epochs = len(history.read_text().splitlines()) - 1 if history.exists() else 0
                print(f"kill {done:2d} after {instant:5.2f} s, {epochs} epochs on disk")
        subprocess.run([*TRAIN, killed], check=True, capture_output=True)
        first, second = (Run.load(path).model.state_dict() for path in (straight, killed))
        equal = all(torch.equal(first[name], second[name]) for name in first)
        print(f"{done} kills; final weights {'equal' if equal else 'DIFFER'}")
        sys.exit(0 if equal and done == kills else 1)


if __name__ == "__main__":
    main()
