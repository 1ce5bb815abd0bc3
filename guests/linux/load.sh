#!/bin/sh
# What `ppcdbt bench exits --load` runs after the boot: processes, pipes, small system calls, page faults and waits.
echo LOAD-START
n=0; while [ $n -lt 200 ]; do /bin/busybox true & n=$((n + 1)); [ $((n % 20)) = 0 ] && wait; done; wait
echo "processes $n"
n=0; while [ $n -lt 50 ]; do echo $n | cat | cat >/dev/null; n=$((n + 1)); done
echo "pipes $n"
dd if=/dev/zero bs=64 count=16384 2>/dev/null | dd bs=64 2>/dev/null | md5sum
dd if=/dev/zero of=/dev/null bs=1 count=20000 2>/dev/null
n=0; while [ $n -lt 10 ]; do dd if=/dev/zero of=/tmp/file bs=4M count=1 2>/dev/null; n=$((n + 1)); done; rm /tmp/file
seq 1 20000 | sort -rn | md5sum
n=0; while [ $n -lt 20 ]; do usleep 10000; n=$((n + 1)); done
echo "waits $n"
