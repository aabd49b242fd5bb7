#!/usr/bin/env bash
# Makes .venv-peers with the peers that benchmarks/images_per_second.py compares with. It shares torch
# and NumPy with the interpreter given (default: .venv's), so that all run on the same ones.
set -euo pipefail
cd "$(dirname "$0")/.."
base=${1:-.venv/bin/python}
target=.venv-peers
index=()

"$base" -m venv --clear "$target"
site=$("$base" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
peers=$("$target/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
echo "$site" >"$peers/shared.pth"
# torch 2.N goes with torchvision 0.(N + 15), and one for CPUs with one for CPUs
vision=$("$target/bin/python" -c 'import torch; print(int(torch.__version__.split(".")[1]) + 15)')
"$target/bin/python" -m pip install -q --no-deps disent==0.8.0 pythae==0.1.2
if "$target/bin/python" -c 'import sys, torch; sys.exit(torch.version.cuda is not None)'; then
  index=(--index-url https://download.pytorch.org/whl/cpu)
fi
"$target/bin/python" -m pip install -q --no-deps "${index[@]}" "torchvision==0.$vision.*"
"$target/bin/python" -m pip install -q pydantic lightning requests cloudpickle imageio
"$target/bin/python" -c 'import disent.frameworks.vae, pythae.models; print("peers installed")'
