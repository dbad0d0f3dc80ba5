#!/usr/bin/env bash
# All experiments of docs/experiments.md, one after the other, and their figures:
#   scripts/experiments.sh FIGURES [MNIST] [overrides]
# FIGURES is the folder that the figures are copied to; MNIST, where it is given, the one with the idx files (else "").
# Sweeps land in multirun/ of the folder it is run in; those that are finished are not run again.
set -euo pipefail
figures="${1:?the folder for the figures}"
mnist="${2:-}"
shift $(($# < 2 ? $# : 2))
quiet=(logger=none trainer.progress=false "$@")
mkdir -p "$figures"

run() {  # run NAME OVERRIDES...: a sweep, how long it took, and its figures under its name
  local name="$1"
  shift
  echo "== $name: denote $*"
  local TIMEFORMAT="$name: %R s, of processors %U s"
  time denote "$@" "sweep_name=$name" "${quiet[@]}"
  for figure in "multirun/$name/sweep/figures"/*.png; do
    cp "$figure" "$figures/$name-$(basename "$figure")"
  done
}

run demo experiment=demo
run label_proportion_by_depth experiment=label_proportion_by_depth
run attribute_by_depth experiment=attribute_by_depth
run emergence experiment=emergence
run label_proportion_sweep experiment=label_proportion_sweep
run shapes_by_depth experiment=label_proportion_by_depth dataset=shapes dataset.n=6000 trainer.max_epochs=15 \
  architecture=mlp_8x128,convnet
run null_worlds experiment=null_worlds
run planted experiment=planted
run used_or_readable experiment=used_or_readable
if [[ -n "$mnist" ]]; then
  run mnist_by_depth experiment=label_proportion_by_depth dataset=mnist "dataset.root=$mnist" architecture=mlp_8x128
  run used_mnist experiment=used_or_readable dataset=mnist "dataset.root=$mnist" dataset.n=5000 "seed=range(0,6)"
fi
