#!/bin/sh
# /init of `ppcdbt boot debian`: a shell on the console, or the script that came along. Its exit status goes to the
# partition's second terminal, which the emulator reads it from; then the power goes off.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mkdir -p /dev/pts
/bin/busybox mount -t devpts devpts /dev/pts
/bin/busybox --install -s /bin
hostname ppcdbt
cd /root
if [ -e /script ]; then
    /script </dev/null
else
    [ -n "$COLUMNS" ] && stty cols "$COLUMNS" rows "$LINES"
    unset COLUMNS LINES
    echo
    echo "busybox on Linux $(uname -r). \`exit\` or \`poweroff -f\` ends the machine."
    PS1='\w # ' setsid cttyhack sh
fi
echo $? >/dev/hvc1
poweroff -f
