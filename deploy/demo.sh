#!/bin/sh
# A whole ingest on this machine: a sandbox stands in for Tenovos, a folder of
# sample files and one video of 260 MiB become assets, and every checksum is
# compared with the file. Nothing is left running or lying around.
#
# usage: deploy/demo.sh INGESTD TENOVOS-SANDBOX
set -eu
ingestd=$1
sandbox=$2
here=$(dirname "$0")
work=$(mktemp -d)
pid=
clean_up() {
	[ -z "$pid" ] || { kill "$pid" 2>/dev/null && wait "$pid" || true; }
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

mkdir -p "$work/drop/acme/spring" "$work/drop/globex/summer"
cp "$here/samples/hills.jpg" "$work/drop/acme/spring/Hügel 🌄.jpg" # names as people give them
cp "$here/samples/meadow.jpg" "$work/drop/acme/spring/meadow at dusk.jpg"
cp "$here/samples/poster.png" "$work/drop/globex/summer/poster #1 (50% off).png"
cp "$here/samples/logo.svg" "$work/drop/globex/summer/logo.svg"
: >"$work/drop/acme/spring/.DS_Store" # junk, as every Mac leaves it
echo "making a video of 260 MiB ..."
head -c 272629760 /dev/urandom >"$work/drop/globex/summer/making-of.mov"

"$sandbox" --listen 127.0.0.1:0 --dir "$work/store" --api 1.5 >"$work/sandbox.json" &
pid=$!
tries=0
until [ -s "$work/sandbox.json" ]; do
	kill -0 "$pid" 2>/dev/null && [ $((tries += 1)) -le 100 ] || { echo "the sandbox did not start" >&2; exit 1; }
	sleep 0.1
done
field() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" "$work/sandbox.json"; }

cat >"$work/config.yaml" <<END
tenovos:
  url: $(field url)
  api_key: $(field apiKey)
  username: $(field username)
  password: $(field password)
journal: $work/journal.db
listen: ""
log: {format: console}
upload: {verify: asset}
folders:
  - name: drop
    path: $work/drop
    settle: 1s
    levels: "{brand}/{campaign}/**"
    rules:
      - match: "**"
        template: Creative Asset
        security: [Creative Internal]
        metadata:
          Title: {from: file.stem}
          Brand: {from: path.brand, case: title}
END

echo; echo "ingestd check"
"$ingestd" check -c "$work/config.yaml"
echo; echo "ingestd backfill"
"$ingestd" backfill -c "$work/config.yaml"
echo; echo "ingestd backfill, again: everything is known"
"$ingestd" backfill -c "$work/config.yaml"
echo; echo "ingestd status"
"$ingestd" status -c "$work/config.yaml"

# What the sandbox holds, against what lies in the folder.
"$sandbox" --list "$(field control)" >"$work/assets.tsv"
echo; echo "what became of each file:"
printf '%-34s %12s  %-36s  %s\n' FILE BYTES ASSET CHECKSUM
find "$work/drop" -type f ! -name .DS_Store | sort >"$work/files"
wrong=0
while IFS= read -r file; do
	name=${file##*/}
	sum=$(md5sum <"$file" | cut -d' ' -f1)
	line=$(awk -F'\t' -v n="$name" '$1 == n' "$work/assets.tsv")
	asset=$(printf '%s' "$line" | cut -f2)
	remote=$(printf '%s' "$line" | cut -f4)
	verdict="verified $sum"
	[ "$sum" = "$remote" ] && [ "$(printf '%s\n' "$line" | wc -l)" = 1 ] || { verdict="WRONG: $sum here, ${remote:-nothing} there"; wrong=1; }
	printf '%-34s %12s  %-36s  %s\n' "$name" "$(wc -c <"$file")" "${asset:--}" "$verdict"
done <"$work/files"
[ "$(wc -l <"$work/files")" = "$(wc -l <"$work/assets.tsv")" ] || { echo "there are more assets than files" >&2; wrong=1; }
exit $wrong
