#!/usr/bin/env bash
# One of several nodes, without a scheduler. Run it on each of them, from the same folder, with the same MAIN:
#
#   NODES=2 NODE=0 GPUS=8 MAIN=first-node:29500 configs/cluster/torchrun.sh fit -c configs/voc_yolov2.yaml
#   NODES=2 NODE=1 GPUS=8 MAIN=first-node:29500 configs/cluster/torchrun.sh fit -c configs/voc_yolov2.yaml
#
# GPUS is how many ranks a node has. MAIN is the first node's name and a free port of it. 16 ranks make a step of 64
# pictures with --data.batch_size 4. Every node reads the data itself, and writes nothing but on rank 0.
set -euo pipefail
exec torchrun --nnodes "$NODES" --node-rank "$NODE" --nproc-per-node "$GPUS" \
	--master-addr "${MAIN%:*}" --master-port "${MAIN#*:}" \
	-m lightning_app "$@" --trainer.num_nodes "$NODES" --trainer.devices "$GPUS"
