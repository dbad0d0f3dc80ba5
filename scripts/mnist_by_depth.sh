#!/usr/bin/env bash
# Label proportion by depth on MNIST idx files: scripts/mnist_by_depth.sh FOLDER [overrides]
# Three 8 x 128 networks on 60 % of the rows, class subsets, untrained twins; about two minutes on two cores.
set -euo pipefail
root="${1:?the folder with the idx files}"
shift
exec denote experiment=label_proportion_by_depth dataset=mnist "dataset.root=$root" sweep_name=mnist_by_depth \
  'hydra.sweeper.params.seed="0,1,2"' split.fractions.object=0.6 split.fractions.fit=0.2 split.fractions.test=0.2 "$@"
