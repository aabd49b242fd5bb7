#!/usr/bin/env bash
# Makes .venv-peers with the peers that benchmarks/images_per_second.py compares with. It shares torch
# and NumPy with the interpreter given (default: .venv's), so that all run on the same ones.
set -euo pipefail
cd "$(dirname "$0")/.."
base=${1:-.venv/bin/python}
target=.venv-peers

"$base" -m venv --clear "$target"
site=$("$base" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
peers=$("$target/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
echo "$site" >"$peers/shared.pth"
"$target/bin/python" -m pip install -q --no-deps disent==0.8.0 pythae==0.1.2
"$target/bin/python" -m pip install -q pydantic lightning requests cloudpickle imageio
for peer in disent pythae; do
  echo 1 | "$target/bin/python" benchmarks/_peers.py "$peer" >/dev/null && echo "$peer runs"
done
