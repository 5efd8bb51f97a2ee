#!/bin/sh
# Says how large an image is, and ends with 1 where that is too much. Usage: size.sh IMAGE
# The layers are added up, because the one figure that Docker gives for an image is that of the compressed layers where
# containerd keeps them; there, the layers' are in blocks of the disk, 2 MB more in all.
set -eu
most=150000000
bytes=$(docker history --human=false --format '{{.Size}}' "$1" | awk '{ sum += $1 } END { printf "%.0f", sum }')
megabytes=$(awk "BEGIN { printf \"%.1f\", $bytes / 1000000 }")
if [ "$bytes" -ge "$most" ]; then
  echo "$1 is $megabytes MB, and has to be less than 150 MB. docker history $1 tells which layer is to blame." >&2
  exit 1
fi
echo "$1 is $megabytes MB (less than 150 MB, as it has to be)."
