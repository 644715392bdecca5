#!/usr/bin/env bash
# Builds and starts the book's images: `make images`, `make run IMAGE=spark|dl`.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOCKER_BUILDKIT=1
base=${BASE_IMAGE:-debian:bookworm-slim}

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
    timeout 60 docker pull --quiet "$base" 2> /dev/null && return
    if ! command -v debootstrap > /dev/null || [[ $(id -u) != 0 ]]; then
        fail "no registry offers $base; to make it here, install debootstrap and run" \
            "this command as root"
    fi
    echo "==> no registry offers it: making it with debootstrap"
    root=$(mktemp -d)
    trap 'rm -rf "$root" "$root.log"' EXIT
    debootstrap --variant=minbase bookworm "$root" > "$root.log" || {
        tail "$root.log" >&2
        fail "debootstrap failed"
    }
    # As in the published slim image: no documentation, one language, no package lists.
    printf 'path-exclude /usr/share/%s/*\n' doc info locale man \
        > "$root/etc/dpkg/dpkg.cfg.d/slim"
    rm -rf "$root"/usr/share/{doc,info,locale,man}/* "$root"/var/{cache,log}/* \
        "$root"/var/lib/apt/lists/*
    mkdir -p "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial"
    tar -C "$root" -c . | docker import - "$base" > /dev/null
}

# What building needs and an image must not keep: this machine's certificates, and wheels
# of torch that its index lacks.
build() {
    find_engine
    make_base
    local options=(--network host --build-arg "BASE_IMAGE=$base") wheel
    [[ -z ${SSL_CERT_FILE:-} ]] || options+=(--secret "id=ca,src=$SSL_CERT_FILE")
    [[ -z ${PIP_EXTRA_INDEX_URL:-} ]] || options+=(--build-arg PIP_EXTRA_INDEX_URL)
    for wheel in "${PIP_FIND_LINKS:-none}"/torch*.whl; do
        [[ ! -f $wheel ]] || cp --update "$wheel" docker/dl/wheels/
    done
    local image
    for image in spark dl; do
        echo "==> building scaling-ml-book/$image"
        docker build "${options[@]}" --file "docker/$image/Dockerfile" \
            --tag "scaling-ml-book/$image" .
    done
    docker images --filter "reference=scaling-ml-book/*"
}

# The reader's own files are in ./work, with the reader's own ids.
run() {
    find_engine
    [[ $1 == spark || $1 == dl ]] || fail "IMAGE is spark or dl, not '$1'"
    docker image inspect "scaling-ml-book/$1" > /dev/null 2>&1 ||
        fail "there is no image scaling-ml-book/$1: run make images"
    local port=${PORT:-8888} ids=()
    mkdir -p work
    [[ $(id -u) == 0 ]] ||
        ids=(--user root --env "NB_UID=$(id -u)" --env "NB_GID=$(id -g)")
    [[ -t 0 ]] && ids+=(--interactive --tty)
    docker run --rm "${ids[@]}" --publish "127.0.0.1:$port:8888" \
        --volume "$PWD/work:/home/jovyan/work" "scaling-ml-book/$1"
}

case ${1:-} in
    build) build ;;
    run) run "${2:-spark}" ;;
    *) fail "usage: docker/images.sh build | run spark|dl" ;;
esac
