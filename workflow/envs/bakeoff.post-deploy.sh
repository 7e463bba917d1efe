#!/usr/bin/env bash
# Puts the Bakeoff that Snakemake runs with into the environment of its jobs: the same code, with conda's packages.
set -euo pipefail
packages=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
ln -sfn "$BAKEOFF_PACKAGE" "$packages/bakeoff"
printf '#!%s\nfrom bakeoff.cli import main\n\nmain()\n' "$(command -v python)" > "$CONDA_PREFIX/bin/bakeoff"
chmod +x "$CONDA_PREFIX/bin/bakeoff"
