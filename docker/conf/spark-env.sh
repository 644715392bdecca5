# shellcheck shell=bash
# Sourced once by all of Spark's launchers.
#
# The program that only puts the command together, masters and workers compute nothing:
# the quick compiler alone serves them with half of the processor time.
export SPARK_LAUNCHER_OPTS=${SPARK_LAUNCHER_OPTS:--XX:TieredStopAtLevel=1 -XX:+UseSerialGC}
export SPARK_DAEMON_JAVA_OPTS=${SPARK_DAEMON_JAVA_OPTS:-$SPARK_LAUNCHER_OPTS}

# A kernel that is told to stop first waits, up to half a minute, for the end of all
# children in its process group, and is then killed before it has tidied up. So what a
# notebook starts here gets a session of its own: Spark's JVM, which ends by itself when
# the kernel does, and the filter of its messages.
own_session=()
if [[ -n ${_PYSPARK_DRIVER_CONN_INFO_PATH:-} ]] && command -v setsid > /dev/null; then
    own_session=(setsid)
fi

# Spark loads Java's vector module, and Java 17 says so with a warning that no option
# removes: this drops that one line, nothing else.
exec 2> >(exec "${own_session[@]}" grep --line-buffered -vFx \
    'WARNING: Using incubator modules: jdk.incubator.vector' >&2)

if ((${#own_session[@]})); then
    exec setsid "$0" "$@"
fi
