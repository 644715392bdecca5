#!/bin/bash
# What every container runs first: it looks whether there is memory enough, becomes the
# right user, and then runs the command it was given. The variables and the hooks are those
# of the Jupyter Docker Stacks' script of this name.
set -euo pipefail

say() {
    echo "start.sh: $*" >&2
}

# What a derived image or a mount has put into a folder of hooks: *.sh are sourced, other
# executable files are run.
run_hooks() {
    local hook
    for hook in "/usr/local/bin/$1"/*; do
        if [[ $hook == *.sh ]]; then
            # shellcheck source=/dev/null
            source "$hook" || say "$hook failed; going on"
        elif [[ -x $hook ]]; then
            "$hook" || say "$hook failed; going on"
        fi
    done
}

# The engine may hand a company's proxy on: it cannot reach this machine or its cluster.
for name in NO_PROXY no_proxy; do
    [[ ,${!name:-}, == *,127.0.0.1,* ]] ||
        export "$name=${!name:+${!name},}localhost,127.0.0.1,::1"
    export "$name=${!name}${BOOK_HOSTS:+,$BOOK_HOSTS}"
done

# The container's limit, under version 2 or 1 of Linux's control groups.
for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    [[ -r $file ]] || continue
    limit=$(< "$file")
    if [[ $limit =~ ^[0-9]+$ ]] && ((limit >> 20 < BOOK_MEMORY_MIB)); then
        say "this container may use $((limit >> 20)) MiB of memory; the book" \
            "needs $BOOK_MEMORY_MIB MiB or more. Start it again with a larger" \
            "--memory, for example: docker run --memory=4g ..."
        exit 1
    fi
done

# Spark's libraries are unpacked into /tmp and loaded from there.
if [[ $(findmnt --noheadings --output OPTIONS /tmp || true) == *noexec* ]]; then
    say "nothing in /tmp may be executed here, and Spark must. Start the container again" \
        "with --tmpfs /tmp:exec instead of --tmpfs /tmp"
    exit 1
fi

run_hooks start-notebook.d

# As root (docker run --user root), give the home to the user asked for and become it.
if [[ $(id -u) == 0 ]]; then
    user=$NB_USER
    getent passwd "$user" > /dev/null || user=jovyan
    if [[ $(getent passwd "$user" | cut -d: -f6) != @(/home/jovyan|"/home/$user") ]]; then
        say "NB_USER=$user is a user of the system: take another name"
        exit 1
    fi
    if [[ $(id -u "$user"):$(id -g "$user") != "$NB_UID:$NB_GID" ]]; then
        getent group "$NB_GID" > /dev/null || groupadd --gid "$NB_GID" "$NB_USER"
        usermod --non-unique --uid "$NB_UID" --gid "$NB_GID" "$user" > /dev/null
        # The reader's mounts in work/ are already theirs.
        find "$HOME" -path "$HOME/work" -prune -o -exec chown "$NB_UID:$NB_GID" {} +
        chown "$NB_UID:$NB_GID" "$HOME/work"
    fi
    # Another user's home is a new name for the old one, where the reader's mounts are;
    # where the new one exists, being a mount, it gets what it lacks of the book's files.
    if [[ $NB_USER != jovyan ]]; then
        [[ $user == "$NB_USER" ]] ||
            usermod --login "$NB_USER" --home "/home/$NB_USER" jovyan
        if [[ ! -e /home/$NB_USER ]]; then
            ln -s jovyan "/home/$NB_USER"
        elif [[ ! -L /home/$NB_USER ]]; then
            chown "$NB_UID:$NB_GID" "/home/$NB_USER"
            [[ -e /home/$NB_USER/work ]] || ln -s ../jovyan/work "/home/$NB_USER/work"
            find /home/jovyan -mindepth 1 -maxdepth 1 ! -name work -exec \
                cp --archive --no-clobber --target-directory "/home/$NB_USER" {} +
        fi
        export HOME=/home/$NB_USER PYTHONPATH=/home/$NB_USER/chapters
        [[ $PWD/ != /home/jovyan/* ]] || cd "$HOME${PWD#/home/jovyan}"
    fi
    read -ra options <<< "${CHOWN_HOME_OPTS:-}"
    [[ ${CHOWN_HOME:-} != @(1|yes) ]] || chown "${options[@]}" "$NB_UID:$NB_GID" "$HOME/"
    read -ra options <<< "${CHOWN_EXTRA_OPTS:-}"
    IFS=, read -ra folders <<< "${CHOWN_EXTRA:-}"
    ((${#folders[@]} == 0)) || chown "${options[@]}" "$NB_UID:$NB_GID" "${folders[@]}"
    set -- setpriv --reuid "$NB_UID" --regid "$NB_GID" --init-groups -- "$@"
elif [[ $NB_USER != jovyan || $NB_UID != @(1000|$(id -u)) || $NB_GID != @(100|$(id -g)) ]]; then
    say "NB_USER, NB_UID and NB_GID need root to be honoured: docker run --user root ..."
fi
[[ ${GRANT_SUDO:-} != @(1|yes) ]] ||
    say "GRANT_SUDO is refused: there is no sudo here; docker exec --user root is the way"

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

run_hooks before-notebook.d
[[ -z ${NB_UMASK:-} ]] || umask "$NB_UMASK"
exec "$@"
