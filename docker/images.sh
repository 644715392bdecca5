#!/usr/bin/env bash
# Builds and starts the book's images: `make images`, `make run IMAGE=spark|dl`, and a
# cluster of them: `make cluster`, `make cluster-stop`. `make images-arm64` builds the spark
# image for Apple's and other ARM processors, by emulation where this is not one, and tries it
# and dl's lock.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOCKER_BUILDKIT=1
base=${BASE_IMAGE:-debian:bookworm-slim}
platform=()  # options for another processor than this machine's

fail() {
    echo "docker/images.sh: $*" >&2
    exit 1
}

# A new client builds only with its plugin buildx; Debian's docker.io has the builder inside.
docker() {
    if [[ -x /usr/bin/docker ]] && ! command docker buildx version > /dev/null 2>&1; then
        /usr/bin/docker "$@"
    else
        command docker "$@"
    fi
}

find_engine() {
    command -v docker > /dev/null ||
        fail "there is no docker: install Docker, on Debian the package docker.io"
    docker info > /dev/null 2>&1 ||
        fail "Docker does not answer: start it, or ask for the right to use it" \
            "(docker info tells why)"
}

# The base image: the one that is here, or a registry's, or one made by debootstrap.
make_base() {
    docker image inspect "$base" > /dev/null 2>&1 && return
    echo "==> getting $base"
    timeout 60 docker pull --quiet "${platform[@]}" "$base" 2> /dev/null && return
    if ! command -v debootstrap > /dev/null || [[ $(id -u) != 0 ]]; then
        fail "no registry offers $base; to make it here, install debootstrap and run" \
            "this command as root"
    fi
    echo "==> no registry offers it: making it with debootstrap"
    root=$(mktemp -d)
    trap 'rm -rf "$root" "$root.image"' EXIT
    mkdir "$root.image"
    debootstrap "${platform[@]/platform=linux\//arch=}" --variant=minbase bookworm "$root" \
        > "$root.image/log" || {
        tail "$root.image/log" >&2
        fail "debootstrap failed"
    }
    # As in the published slim image: no documentation, one language, no package lists.
    printf 'path-exclude /usr/share/%s/*\n' doc info locale man \
        > "$root/etc/dpkg/dpkg.cfg.d/slim"
    rm -rf "$root"/usr/share/{doc,info,locale,man}/* "$root"/var/{cache,log}/* \
        "$root"/var/lib/apt/lists/*
    mkdir -p "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial"
    # `docker import` would label it as made for this machine.
    tar -C "$root" -cf "$root.image/root.tar" .
    printf 'FROM scratch\nADD root.tar /\n' > "$root.image/Dockerfile"
    docker build --quiet "${platform[@]}" --tag "$base" "$root.image" > /dev/null
}

# Horovod's wheel, if `make dl` has built one here: it fits the image where this machine is
# of the same release of Debian. docker/env.py names its folder by all that it depends on.
share_horovod() {
    local built=${XDG_CACHE_HOME:-$HOME/.cache}/scaling-ml-book/horovod folder
    grep -qs '^VERSION_CODENAME=bookworm$' /etc/os-release || return 0
    for folder in "$built"/*/; do
        [[ $folder == *.partial/ || ! -d $folder ]] && continue
        mkdir -p docker/dl/wheels/horovod
        cp --recursive --update "$folder" docker/dl/wheels/horovod/
    done
}

# The base, and what building needs and an image must not keep: this machine's certificates.
prepare_build() {
    find_engine
    make_base
    options=(--network host --build-arg "BASE_IMAGE=$base" "${platform[@]}")
    [[ -z ${SSL_CERT_FILE:-} ]] || options+=(--secret "id=ca,src=$SSL_CERT_FILE")
}

# Wheels of torch that this machine's index lacks are lent, too, and then the four images
# are built, or only those that are named.
build() {
    prepare_build
    local wheel
    [[ -z ${PIP_EXTRA_INDEX_URL:-} ]] || options+=(--build-arg PIP_EXTRA_INDEX_URL)
    for wheel in "${PIP_FIND_LINKS:-none}"/torch*.whl; do
        [[ ! -f $wheel ]] || cp --update "$wheel" docker/dl/wheels/
    done
    share_horovod
    local image
    (($#)) || set -- environment spark dl database
    for image; do
        echo "==> building scaling-ml-book/$image"
        if [[ $image == environment ]]; then
            docker build "${options[@]}" --file docker/spark/Dockerfile \
                --target environment --tag "scaling-ml-book/$image" .
        else
            docker build "${options[@]}" --file "docker/$image/Dockerfile" \
                --tag "scaling-ml-book/$image" .
        fi
    done
    docker images --filter "reference=scaling-ml-book/*"
}

# An image of its own name, so that this machine's stays; and lessons run in it. Of dl, all
# but two: Horovod would compile for hours, and only PyTorch's own index has a CPU build of
# torch for this processor.
arm64() {
    local emulator=/proc/sys/fs/binfmt_misc/qemu-aarch64 image=scaling-ml-book/spark-arm64
    if [[ $(uname -m) != aarch64 && ! -e $emulator ]]; then
        [[ -e /usr/lib/binfmt.d/qemu-aarch64.conf && $(id -u) == 0 ]] ||
            fail "this machine has another processor: install qemu-user-static and run" \
                "this command as root"
        mount -t binfmt_misc binfmt_misc "${emulator%/*}" 2> /dev/null || true
        cat /usr/lib/binfmt.d/qemu-aarch64.conf > "${emulator%/*}/register"
    fi
    platform=(--platform=linux/arm64) base=scaling-ml-book/debian-arm64
    prepare_build
    docker build "${options[@]}" --file docker/spark/Dockerfile --tag "$image" .
    dl=$(mktemp -d)
    trap 'rm -rf "$dl" ${root:+"$root" "$root.image"}' EXIT  # root: make_base's
    chmod 755 "$dl"
    PATH=$PATH:.venv/uv/bin uv pip install --quiet --no-deps --require-hashes \
        --python-platform aarch64-manylinux_2_28 --python-version 3.11 --target "$dl" \
        --requirements docker/dl/requirements.lock
    local lesson
    for lesson in 01_foundations/00_setup 02_spark/01_architecture \
        08_tensorflow/solutions; do
        echo "==> running $lesson for arm64"
        options=("${platform[@]}")
        [[ $lesson != 08_* ]] || options+=(--volume "$dl:/opt/dl:ro"
            --env PYTHONPATH=/opt/dl:/home/jovyan/chapters)
        docker run --rm "${options[@]}" "$image" \
            jupyter execute --kernel_name=spark --timeout=3600 "chapters/$lesson.ipynb"
    done
}

# The reader's own files are in ./work, with the reader's own ids; root's go to jovyan.
prepare() {
    find_engine
    [[ $1 == spark || $1 == dl ]] || fail "IMAGE is spark or dl, not '$1'"
    docker image inspect "scaling-ml-book/$1" > /dev/null 2>&1 ||
        fail "there is no image scaling-ml-book/$1: run make images"
    mkdir -p work
    export NB_UID=1000 NB_GID=100
    if [[ $(id -u) == 0 ]]; then
        chown "$NB_UID:$NB_GID" work
    else
        NB_UID=$(id -u) NB_GID=$(id -g)
    fi
}

run() {
    prepare "$1"
    local terminal=()
    [[ -t 0 ]] && terminal=(--interactive --tty)
    docker run --rm "${terminal[@]}" --user root --env NB_UID --env NB_GID \
        --publish "127.0.0.1:${PORT:-8888}:8888" \
        --volume "$PWD/work:/home/jovyan/work" "scaling-ml-book/$1"
}

compose() {
    local command=(docker compose)
    if ! command docker compose version > /dev/null 2>&1; then
        command=(docker-compose)
        command -v docker-compose > /dev/null || fail "there is no docker compose:" \
            "install Docker's plugin for it, on Debian the package docker-compose"
    fi
    export COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-scaling-ml-book}
    command "${command[@]}" --file docker/compose.yml "$@"
}

# Whether Jupyter's container ($1) is healthy and the master has both workers.
cluster_is_up() {
    [[ $(docker inspect --format '{{.State.Health.Status}}' "$1") == healthy ]] &&
        docker exec "$1" bash -c 'exec 3<> /dev/tcp/master/8080
            printf "GET /json/ HTTP/1.0\r\n\r\n" >&3; cat <&3' |
        grep -q '"aliveworkers" : 2'
}

cluster() {
    prepare "$1"
    export IMAGE=$1 PORT=${PORT:-8888} JUPYTER_TOKEN=${JUPYTER_TOKEN:-}
    # A cluster that runs keeps its token: another one would start Jupyter anew.
    [[ -n $JUPYTER_TOKEN ]] ||
        JUPYTER_TOKEN=$(compose exec -T jupyter printenv JUPYTER_TOKEN 2> /dev/null) ||
        JUPYTER_TOKEN=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    compose up --detach || fail "the cluster did not start; make cluster-stop removes it"
    local i jupyter
    jupyter=$(compose ps --quiet jupyter)
    for ((i = 0; i < 60; i++)); do
        if cluster_is_up "$jupyter"; then
            echo "Jupyter  http://127.0.0.1:$PORT/lab?token=$JUPYTER_TOKEN"
            echo "Spark    http://127.0.0.1:${MASTER_PORT:-8080}"
            echo "MLflow   http://127.0.0.1:${MLFLOW_PORT:-5000}"
            return
        fi
        sleep 2
    done
    compose ps
    compose logs --tail 10
    fail "not healthy after two minutes, see above; make cluster-stop removes it"
}

case ${1:-} in
    build) build "${@:2}" ;;
    arm64) arm64 ;;
    run) run "${2:-spark}" ;;
    cluster) cluster "${2:-spark}" ;;
    cluster-stop) JUPYTER_TOKEN='' compose down ;;
    *) fail "usage: docker/images.sh build [IMAGE...] | arm64 | run IMAGE | cluster IMAGE | cluster-stop" ;;
esac
