#!/usr/bin/env bash
# Puts libtorch, the part of it that computes on a CPU, into target/libtorch: from the wheels of PyPI,
# which the registries carry where pytorch.org cannot be reached.
# Where LIBTORCH names a libtorch of your own, nothing is fetched.
# usage: scripts/rust-bert.sh [COMMAND…]: sets up, then runs COMMAND with what it needs to find libtorch
set -euo pipefail
cd "$(dirname "$0")/.."

torch=torch==2.4.0 # What tch 0.17 is written for.
cuda=("nvidia-cuda-runtime-cu12==12.1.105" "nvidia-cuda-cupti-cu12==12.1.105")
folder=$PWD/target/libtorch
stamp=$folder/.harbinger-$torch

if [ -z "${LIBTORCH:-}" ] && [ ! -e "$stamp" ]; then
  [ "$(uname -m)" = x86_64 ] || {
    echo "rust-bert: there is no such libtorch for $(uname -m); set LIBTORCH to one of your own" >&2
    exit 1
  }
  python3 -m pip --version >/dev/null 2>&1 || {
    echo "rust-bert: pip is missing (Debian: apt-get install python3-pip)" >&2
    exit 1
  }
  echo "rust-bert: fetching libtorch (800 MB)" >&2
  rm -rf "$folder" target/libtorch-wheels
  mkdir -p "$folder/lib" target/libtorch-wheels
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --implementation cp --python-version 3.11 --abi cp311 --abi none --platform manylinux1_x86_64 \
    --dest target/libtorch-wheels "$torch" "${cuda[@]}"
  python3 - "$folder" target/libtorch-wheels/*.whl <<'PY'
import re, shutil, sys, zipfile
folder, *wheels = sys.argv[1:]
LIBRARIES = re.compile(r".*/lib/(libtorch_cpu\.so|libc10\.so|libgomp[^/]*|libcudart\.so\.12|libcupti\.so\.12)")
for wheel in map(zipfile.ZipFile, wheels):
    for name in wheel.namelist():
        if LIBRARIES.fullmatch(name):
            with wheel.open(name) as source, open(f"{folder}/lib/{name.rsplit('/', 1)[1]}", "wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
        elif name.startswith("torch/include/") and ".." not in name:
            wheel.extract(name, folder)
PY
  mv "$folder/torch/include" "$folder/include"
  rmdir "$folder/torch"
  # The libtorch.so of the wheel asks for the libraries of graphics cards; nothing is in it but names.
  echo | cc -shared -x c - -o "$folder/lib/libtorch.so" -Wl,-soname,libtorch.so
  rm -rf target/libtorch-wheels
  touch "$stamp"
fi

if [ -z "${LIBTORCH:-}" ]; then
  # The wheels are built with the old ABI; of another libtorch its owner knows.
  export LIBTORCH=$folder LIBTORCH_CXX11_ABI=0
fi
export LIBTORCH LIBTORCH_BYPASS_VERSION_CHECK=1
export LD_LIBRARY_PATH=$LIBTORCH/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
if [ $# -gt 0 ]; then
  exec "$@"
fi
echo "libtorch is in $LIBTORCH; \`make test-rust-bert\` builds the engine and compares it with the default one"
