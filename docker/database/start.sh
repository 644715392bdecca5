#!/bin/bash
# Makes the database at the first start: the user mlflow with POSTGRES_PASSWORD, who owns
# the database mlflow. Then runs PostgreSQL in the foreground.
set -euo pipefail
: "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}"

if [[ ! -d $PGDATA ]]; then
    # Made aside and renamed: an interrupted first start leaves nothing half done.
    new=$PGDATA.new
    rm -rf "$new"
    initdb --pgdata "$new" --username mlflow --auth scram-sha-256 --encoding UTF8 \
        --pwfile <(echo "$POSTGRES_PASSWORD") > /dev/null
    echo "host all all all scram-sha-256" >> "$new/pg_hba.conf"
    echo "CREATE DATABASE mlflow" | postgres --single -D "$new" template1 > /dev/null
    mv "$new" "$PGDATA"
fi
exec postgres -c listen_addresses='*'
