#!/bin/bash
# What every container runs first: it sets the book's variables, looks whether there is
# memory enough, becomes the right user, and then runs the command it was given.
set -euo pipefail

while IFS='=' read -r key value; do
    [[ -z $key || $key == \#* || -v $key ]] || export "$key=$value"
done < /etc/book.env

# The engine may hand a company's proxy on: it cannot reach this machine or its cluster.
for name in NO_PROXY no_proxy; do
    export "$name=${!name:+${!name},}localhost,127.0.0.1,::1${BOOK_HOSTS:+,$BOOK_HOSTS}"
done

# The container's limit, under version 2 or 1 of Linux's control groups.
for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    [[ -r $file ]] || continue
    limit=$(< "$file")
    if [[ $limit =~ ^[0-9]+$ ]] && ((limit >> 20 < BOOK_MEMORY_MIB)); then
        echo "start.sh: this container may use $((limit >> 20)) MiB of memory; the book" \
            "needs $BOOK_MEMORY_MIB MiB or more. Start it again with a larger" \
            "--memory, for example: docker run --memory=4g ..." >&2
        exit 1
    fi
done

# As root (docker run --user root), give the home to the user asked for and become it.
if [[ $(id -u) == 0 ]]; then
    if [[ $(id -u "$NB_USER"):$(id -g "$NB_USER") != "$NB_UID:$NB_GID" ]]; then
        getent group "$NB_GID" > /dev/null || groupadd --gid "$NB_GID" "$NB_USER"
        usermod --non-unique --uid "$NB_UID" --gid "$NB_GID" "$NB_USER" > /dev/null
        # The reader's mounts in work/ are already theirs.
        find "$HOME" -path "$HOME/work" -prune -o -exec chown "$NB_UID:$NB_GID" {} +
        chown "$NB_UID:$NB_GID" "$HOME/work"
    fi
    set -- setpriv --reuid "$NB_UID" --regid "$NB_GID" --init-groups -- "$@"
fi

# In a container started with --read-only, programs keep their own files in /tmp.
if [[ $(id -u) != 0 && ! -w $HOME ]]; then
    HOME=$(mktemp -d)
    export HOME
fi

# A user that the image does not know (docker run --user 12345) has no name and no home;
# Java and Hadoop want both.
if ! getent passwd "$(id -u)" > /dev/null; then
    NSS_WRAPPER_PASSWD=$(mktemp)
    echo "$NB_USER:x:$(id -u):$(id -g)::$HOME:/bin/bash" > "$NSS_WRAPPER_PASSWD"
    grep -v "^$NB_USER:" /etc/passwd >> "$NSS_WRAPPER_PASSWD"
    export NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP=/etc/group LD_PRELOAD=libnss_wrapper.so
fi
exec "$@"
