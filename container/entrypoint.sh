#!/bin/sh
# `engine VERB ...` runs the engine alone; everything else goes to qgis_process.
set -eu

if [ "${1:-}" = engine ]; then
    shift
    plugin="$QGIS_CUSTOM_CONFIG_PATH/profiles/default/python/plugins/spectralgpt_qgis"
    python=$(python3 "$plugin/engine_environment.py" python)
    # Not the working folder: a folder of data may be called "engine" too.
    export PYTHONPATH="$plugin" PYTHONSAFEPATH=1
    exec "$python" -m engine "$@"
fi
# Debian's wrapper passes options that only the desktop knows.
exec qgis_process.bin "$@"
