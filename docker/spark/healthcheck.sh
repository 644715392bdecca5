#!/bin/bash
# Healthy is a server that answers. No Python and no curl: this runs every few seconds.
exec 3<> "/dev/tcp/127.0.0.1/$JUPYTER_PORT"
printf 'GET /api HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
read -r -t 4 line <&3 && [[ $line == *" 200 "* ]]
