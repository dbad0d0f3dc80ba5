#!/usr/bin/env bash
# Make four small sweeps that together use every probe, control and kind of data, to compare their tables between two
# versions:
#   scripts/reference_sweeps.sh FOLDER TABLE.csv TREEBANK.conllu     # in each version
#   python scripts/compare_tables.py FOLDER_BEFORE FOLDER_AFTER
# Nothing is read that an earlier version has stored; DENOTE names the command (default: denote).
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
table=$(realpath "$2")
treebank=$(realpath "$3")
denote=${DENOTE:-denote}
cd "$folder"
common=(logger=none store.path="$folder/.store")

"$denote" experiment=demo "${common[@]}" sweep_name=demo
"$denote" -m dataset=shapes dataset.n=1500 architecture=convnet attribute=[classes,columns,formulas] layer=all seed=0,1 \
  probe=[linear,neuron,sparse,mlp,centroid,majority] control=[shuffled,rotated,untrained,raw_input,random_subset] \
  debug=fast evidence.curves=true "${common[@]}" sweep_name=shapes
"$denote" experiment=audit dataset.path="$table" dataset.target=class dataset.attributes=[age,housing] seed=0,1 \
  debug=fast evidence.equal_rows=auto "${common[@]}" sweep_name=audit
"$denote" experiment=tagger dataset.path="$treebank" seed=0 debug=fast architecture.epoch=null "${common[@]}" \
  sweep_name=tagger
