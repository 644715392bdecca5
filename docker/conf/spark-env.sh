# Sourced by all of Spark's launchers. Spark loads Java's vector module, and Java 17 says
# so with a warning that no option removes: this drops that one line, nothing else.
exec 2> >(exec grep --line-buffered -vFx \
    'WARNING: Using incubator modules: jdk.incubator.vector' >&2)
