#!/bin/sh
# Checks a package with openssl 3, unzip, sha256sum and pdfsig: sh verify.sh PACKAGE [RECEIPT]. Exit status 0 = all passed.
set -u
package=$1 receipt=${2:-}
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
bad=0
say() { if [ "$1" -eq 0 ]; then echo "通过 ok      $2"; else echo "不通过 FAILED $2"; bad=1; fi; }
sha() { openssl dgst -sha256 -binary; }
hex() { od -An -v -tx1 | tr -d ' \n'; }
b64() { openssl base64 -A; }

unzip -qo "$package" -d "$work/p"; say $? "unzip"
members=$(unzip -Z1 "$package" | wc -l)
cd "$work/p" || exit 1
[ "$members" -eq "$(find . -type f | wc -l)" ]; say $? "each name once"
[ "$(cat mimetype)" = application/vnd.etsi.asic-e+zip ]; say $? "mimetype"

# 2-3: digests, and that the manifest holds the digest of their list
sha256sum -c --quiet SHA256SUMS >/dev/null 2>&1; say $? "SHA-256 of every file"
grep -qF "$(sha <SHA256SUMS | b64)" META-INF/ASiCManifest001.xml; say $? "SHA256SUMS is in the signed manifest"
[ "$(find . -type f ! -path './META-INF/*' ! -path ./mimetype ! -path ./SHA256SUMS | wc -l)" -eq "$(wc -l <SHA256SUMS)" ]
say $? "no file beside the list"

# 4: CAdES
openssl cms -verify -cades -inform DER -in META-INF/signature001.p7s -content META-INF/ASiCManifest001.xml \
  -binary -CAfile keys/ca.pem -purpose any -out /dev/null 2>/dev/null; say $? "CAdES signature"

# 5: PAdES
pdf=$(pdfsig -nocert report.pdf 2>/dev/null)
echo "$pdf" | grep -q 'Signature is Valid' && echo "$pdf" | grep -q 'Total document signed'; say $? "PAdES signature of report.pdf"

# 6: archive time stamp
if [ -f META-INF/timestamp002.tst ]; then
  openssl ts -verify -token_in -in META-INF/timestamp002.tst -data META-INF/ASiCManifest002.xml -CAfile keys/tsa.pem \
    >/dev/null 2>&1; say $? "archive time stamp"
  grep -qF "$(sha <META-INF/signature001.p7s | b64)" META-INF/ASiCManifest002.xml; say $? "the stamp covers the signature"
else echo "没有 none    archive time stamp"; fi
for response in tsa/*.tsr; do
  [ -f "$response" ] || continue
  size=${response#tsa/}; size=${size%%.*}
  openssl ts -verify -in "$response" -data "tsa/$size.checkpoint" -CAfile keys/tsa.pem >/dev/null 2>&1
  say $? "time stamp $response"
done

# 7: the SM2 leg
openssl dgst -sm3 -verify keys/vkey.package-gm.pem -sigopt distid:1234567812345678 -signature gm/SM3SUMS.sig gm/SM3SUMS \
  >/dev/null 2>&1; say $? "SM2 signature"
while read -r digest name; do
  [ "$(openssl dgst -sm3 -r "$name" | cut -d' ' -f1)" = "$digest" ] || echo "$name"
done <gm/SM3SUMS >"$work/sm3"
[ ! -s "$work/sm3" ]; say $? "SM3 of every file"
[ "$(find . -type f ! -path './META-INF/*' ! -path './gm/*' ! -path ./mimetype ! -path ./SHA256SUMS | wc -l)" \
  -eq "$(wc -l <gm/SM3SUMS)" ]; say $? "no file beside the SM3 list"

# 8: a note's line by the key of a vkey file; then leaf, siblings, root. $1 proof, $2 leaf
line_of() { # $1 note, $2 vkey file: the signature bytes behind the key's number
  id=$(cut -d+ -f2 "$2")
  grep '^— ' "$1" | cut -d' ' -f3 | while read -r line; do
    [ "$(echo "$line" | openssl base64 -d -A | head -c 4 | hex)" = "$id" ] && echo "$line" | openssl base64 -d -A | tail -c +5
  done
}
proved() {
  sed '1,/^$/d' "$1" >"$work/note"; sed '/^$/,$d' "$work/note" >"$work/text"
  line_of "$work/note" keys/vkey >"$work/sig"
  openssl pkeyutl -verify -pubin -inkey keys/vkey.pem -rawin -in "$work/text" -sigfile "$work/sig" >/dev/null 2>&1 || return 1
  line_of "$work/note" keys/vkey.gm >"$work/sig"
  openssl dgst -sm3 -verify keys/vkey.gm.pem -sigopt distid:1234567812345678 -signature "$work/sig" "$work/text" \
    >/dev/null 2>&1 || return 1
  n=$(sed -n 's/^index //p' "$1"); last=$(($(sed -n 2p "$work/text") - 1))
  { printf '\000'; cat "$2"; } | sha >"$work/h"
  sed -n '/^index /,/^$/p' "$1" | sed '1d;/^$/d' >"$work/siblings"
  while read -r sibling; do
    [ "$last" -gt 0 ] || return 1
    echo "$sibling" | openssl base64 -d -A >"$work/s"
    if [ $((n & 1)) -eq 1 ] || [ "$n" -eq "$last" ]; then
      { printf '\001'; cat "$work/s" "$work/h"; } | sha >"$work/up"
      while [ $((n & 1)) -eq 0 ] && [ "$n" -gt 0 ]; do n=$((n >> 1)); last=$((last >> 1)); done
    else { printf '\001'; cat "$work/h" "$work/s"; } | sha >"$work/up"; fi
    mv "$work/up" "$work/h"; n=$((n >> 1)); last=$((last >> 1))
  done <"$work/siblings"
  [ "$last" -eq 0 ] && [ "$(b64 <"$work/h")" = "$(sed -n 3p "$work/text")" ]
}
shown() { # the parts of an entry are those its leaf digests
  for part in actor subject body; do grep -qF "\"$(sha <"$1.$part" | hex)\"" "$1.leaf" || return 1; done
  grep -qF "\"$(openssl dgst -sm3 -binary <"$1.body" | hex)\"" "$1.leaf"
}
for leaf in log/*.leaf; do
  [ -f "$leaf" ] || continue
  stem=${leaf%.leaf}
  shown "$stem"; say $? "content of $stem"
  if [ -f "$stem.tlog-proof" ]; then proved "$stem.tlog-proof" "$leaf"; say $? "proof of $stem"
  else echo "没有 none    proof of $stem"; fi
done

# 9: the package's own digest in the log
if [ -n "$receipt" ]; then
  cd - >/dev/null || exit 1
  unzip -qo "$receipt" -d "$work/r"; say $? "unzip the receipt"
  digest=$(sha256sum "$package" | cut -d' ' -f1)
  stem=$(echo "$work"/r/log/*.leaf); stem=${stem%.leaf}
  grep -qaF "\"sha256\":\"$digest\"" "$stem.body"; say $? "digest of the package in the receipt"
  cd "$work/p" || exit 1
  shown "$stem"; say $? "content of the receipt"
  proved "$stem.tlog-proof" "$stem.leaf"; say $? "proof of the receipt"
fi
if [ "$bad" -eq 0 ]; then echo "全部通过 / all checks passed"; else echo "有不通过的步骤 / some checks FAILED"; fi
exit "$bad"
