#!/bin/sh
# What the tests use from the system, where apt may install it; tests skip what is missing.
set -u
# The command that a test calls, and the package that has it.
wanted="dcm2niix:dcm2niix dciodvfy:dicom3tools Orthanc:orthanc chromium:chromium"
missing=""
for pair in $wanted; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
# A plugin has no command.
[ -e /usr/share/orthanc/plugins/libOrthancDicomWeb.so ] || missing="$missing orthanc-dicomweb"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    (apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing) >/dev/null 2>&1 ||
        echo "could not install$missing: their tests are skipped" >&2
else
    echo "not installed:$missing (their tests are skipped); apt-get install$missing" >&2
fi
exit 0
