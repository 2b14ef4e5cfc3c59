#!/bin/sh
# Creates the namespace if it is missing. Where and which: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE. How long closed workflows
# are kept: TEMPORAL_RETENTION; changing it later is `temporal operator namespace update`.
set -eu

if temporal operator namespace describe --address "$TEMPORAL_ADDRESS" --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
	echo "namespace $TEMPORAL_NAMESPACE is there"
	exit 0
fi
temporal operator namespace create --address "$TEMPORAL_ADDRESS" --namespace "$TEMPORAL_NAMESPACE" --retention "$TEMPORAL_RETENTION"
