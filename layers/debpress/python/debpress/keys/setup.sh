#!/bin/sh
# Has this host install packages from @ROOT@, or takes that back. As root:
#
#     sh setup.sh --fingerprint FINGERPRINT [--suite SUITE]... [--component COMPONENT]...
#     sh setup.sh --remove [--suite SUITE]...
#
# FINGERPRINT is that of a key that signs the archive, and has to come another way than this
# script. The archive is asked for its keys, and of these only what has this fingerprint is trusted;
# while one key takes the place of another, both can be named. Run again, it changes what has to be.
# Needed is what every Debian and Ubuntu has: apt, coreutils, awk, grep.

set -eu
umask 022
LC_ALL=C
export LC_ALL

root=@ROOT@
name=@NAME@
default=@SUITE@
package=@KEYRING@

keyring=/etc/apt/keyrings/$name.gpg
# The keyring package's, which an upgrade replaces; it is taken where the package is installed.
packaged=/usr/share/keyrings/$package.gpg
parts=/etc/apt/sources.list.d
letters=-a-z0-9.+ # Of the names of suites, components and architectures.
mark="# Written by setup.sh of $name; \`setup.sh --remove\` takes it away."

say() { printf '%s\n' "$*"; }

die() {
    printf 'setup.sh: %s\n' "$*" >&2
    exit 1
}

usage() {
    printf 'setup.sh: %s\n' "$1" >&2
    say 'usage: sh setup.sh --fingerprint FINGERPRINT [--suite SUITE]... [--component COMPONENT]...
       sh setup.sh --remove [--suite SUITE]...' >&2
    exit 2
}

# fetch NAME FILE WHY: what the archive has at its root, or why it may be lacking. apt's own program
# is on every host, and goes by apt's proxies and certificates. What it fetched is checked, or of no
# weight.
fetch() {
    escaped=$(say "$1" | sed 's/+/%2B/g') # S3 takes a plus in an address for a blank.
    /usr/lib/apt/apt-helper -qq -o APT::Sandbox::User=root download-file "$root/$escaped" "$2" ||
        die "$root/$1 could not be fetched. $3. Nothing was changed"
}

# place NEW FILE: puts a file in its place, whole, unless it is there already.
place() {
    if cmp -s "$1" "$2"; then
        say "unchanged  $2"
    else
        cp "$1" "$2.new"
        chmod 644 "$2.new"
        mv -f "$2.new" "$2"
        say "written    $2"
    fi
}

# bytes FILE FROM COUNT: as numbers with blanks between.
bytes() { od -An -v -tu1 -j "$2" -N "$3" "$1" | tr '\n' ' '; }

# slice FILE FROM COUNT. Each reads what the other writes to its end: the coreutils that newer Ubuntus
# have (uutils) say `Aborted` where a pipe closes before.
slice() { head -c $(($2 + $3)) "$1" | tail -c "$3"; }

# certificates FILE: a line for each certificate of a keyring: fingerprint, first byte, byte after
# the last. A certificate is a key's packet (tag 6) and what follows until the next one (RFC 9580,
# 4.2 and 10.1). The fingerprint of a key of version 4 is a SHA-1 over its packet (5.5.4.2).
certificates() {
    at=0 size=$(wc -c <"$1") found=
    while [ "$at" -lt "$size" ]; do
        # shellcheck disable=SC2046 # The numbers become the positional parameters.
        set -- "$1" $(bytes "$1" "$at" 6) 0 0 0 0 0
        case $(($2 >> 6)) in
            2)
                tag=$(($2 >> 2 & 15))
                case $(($2 & 3)) in
                    0) header=2 length=$3 ;;
                    1) header=3 length=$(($3 << 8 | $4)) ;;
                    2) header=5 length=$(($3 << 24 | $4 << 16 | $5 << 8 | $6)) ;;
                    *) die "$root/key.gpg is no keyring" ;;
                esac
                ;;
            3)
                tag=$(($2 & 63))
                if [ "$3" -lt 192 ]; then
                    header=2 length=$3
                elif [ "$3" -lt 224 ]; then
                    header=3 length=$(((($3 - 192) << 8) + $4 + 192))
                elif [ "$3" -eq 255 ]; then
                    header=6 length=$(($4 << 24 | $5 << 16 | $6 << 8 | $7))
                else
                    die "$root/key.gpg is no keyring"
                fi
                ;;
            *) die "$root/key.gpg is no keyring" ;;
        esac
        # A secret key (5) would begin a certificate of its own for sqv, and go by the fingerprint of
        # the one before it here. So nothing passes but what a certificate is made of.
        case $tag in
            6)
                [ -z "$found" ] || say "$found $at"
                found="$(fingerprint "$1" $((at + header)) "$length") $at"
                ;;
            2 | 13 | 14 | 17) ;;
            *) die "$1 has a packet of type $tag, which no certificate has. Nothing was changed" ;;
        esac
        at=$((at + header + length))
    done
    [ "$at" -eq "$size" ] || die "$root/key.gpg is cut off"
    [ -z "$found" ] || say "$found $at"
}

# fingerprint FILE FROM COUNT: of the key whose packet has this body.
fingerprint() {
    size_in_octal=$(printf '\\%03o\\%03o' $(($3 >> 8)) $(($3 & 255)))
    # shellcheck disable=SC2059 # The format is what becomes bytes.
    { printf "\\231$size_in_octal" && slice "$1" "$2" "$3"; } | sha1sum | tr a-f A-F | head -c 40
}

# field NAME FILE: the value of a field of one line.
field() { sed -n "s/^$1: *//p" "$2" | head -n 1; }

# has WORD WORDS: whether one of the words is this one.
has() {
    case " $2 " in
        *" $1 "*) true ;;
        *) false ;;
    esac
}

# ours FILE: whether an earlier run has written it.
ours() { [ -f "$1" ] && grep -qxF "$mark" "$1"; }

# aside FILE: moves a file to where apt does not look, over nothing that is there.
aside() {
    kept=$1.save count=0
    while [ -e "$kept" ] || [ -L "$kept" ]; do
        count=$((count + 1)) kept=$1.$count.save
    done
    mv "$1" "$kept"
    say "moved      $1 to $kept"
}

# others FILE: prints what a file of sources would be without ours. Ends as `without` does.
others() { awk -v root="$root" -v suites="$suites" -v form="${1##*.}" "$without" "$1"; }

# older FILE: notes a file that somebody else wrote and that has this archive's sources of these
# suites. apt warns of a source that is there twice, and stops where two of them name other keys.
older() {
    code=0
    others "$1" >"$work/left" || code=$?
    case $code in
        0) ;;
        3) say "$1" >>"$work/older" ;;
        *)
            die "$1 names this archive in a way that can't be taken out alone:" \
                "$(cat "$work/left"). Take it out by hand, or name all of its suites by --suite." \
                "Nothing was changed"
            ;;
    esac
}

# What is left of a file of sources without ours, by awk: paragraphs of deb822 (sources.list(5)), or
# lines. Ends with 3 where it took some out; with 1 where ours can't be told from others', having
# printed why and nothing else.
# shellcheck disable=SC2016 # The dollars are awk's.
without='
function plain(uri) { sub(/\/+$/, "", uri); return uri }
function stop(why) { printf "%s", why; failed = 1; exit 1 }
function judge(uris, given,    i, n, m, u, s, other) {
    n = split(uris, u); m = split(given, s)
    for (i = 1; i <= n; i++) if (plain(u[i]) == plain(root)) break
    if (i > n) return 0
    other = ""
    for (i = 1; i <= m; i++) if (!index(" " suites " ", " " s[i] " ")) other = other " " s[i]
    if (other != "" && split(other, s) == m) return 0
    if (n > 1) stop("it names other addresses beside it")
    if (other != "") stop("it names the suites" other " as well")
    return 1
}
function paragraph(    lines, i, n, uris, given, last) {
    n = split(block, lines, "\n")
    for (i = 1; i <= n; i++) {
        if (lines[i] ~ /^#/) continue
        if (lines[i] ~ /^[ \t]/) { if (last == "uris") uris = uris " " lines[i]
                                   if (last == "suites") given = given " " lines[i]; continue }
        last = tolower(lines[i]); sub(/:.*/, "", last)
        if (last == "uris") { uris = lines[i]; sub(/^[^:]*:/, "", uris) }
        if (last == "suites") { given = lines[i]; sub(/^[^:]*:/, "", given) }
    }
    if (judge(uris, given)) removed = 3; else text = text block
    block = ""
}
form == "sources" && /^[ \t]*$/ { paragraph(); text = text $0 "\n"; next }
form == "sources" { block = block $0 "\n"; next }
/^[ \t]*deb(-src)?[ \t]/ {
    line = $0; sub(/^[ \t]*deb(-src)?[ \t]+/, "", line); sub(/^\[[^]]*\][ \t]*/, "", line)
    split(line, word); if (judge(word[1], word[2])) { removed = 3; next }
}
{ text = text $0 "\n" }
END { if (failed) exit 1; if (block != "") paragraph(); printf "%s", text; exit removed + 0 }'

# fits CHARACTERS VALUE: whether a value is of these alone. One that was fetched goes into a source,
# and nothing else may come in by it.
fits() {
    case $2 in
        '' | *[!$1]*) false ;;
        *) true ;;
    esac
}

# source_of SUITE FILE: writes the source that a host of this kind needs.
source_of() {
    offered=$(field Components "$work/$1.sources")
    without_those=$(field Architectures-Remove "$work/$1.sources")
    if ! fits "$letters " "$offered" || ! fits "$letters " "${without_those:--}"; then
        die "$root/$1.sources is no source of this archive. Nothing was changed"
    fi
    for component in $components; do
        has "$component" "$offered" || die "the suite $1 has no component $component, but $offered"
    done
    if has "$(dpkg --print-architecture)" "$without_those"; then
        die "the suite $1 has no packages for $(dpkg --print-architecture)"
    fi
    {
        say "$mark"
        say "Types: deb"
        say "URIs: $root"
        say "Suites: $1"
        say "Components: ${components:-$offered}"
        # A host reads what it has itself; the suite lacks these, and apt would say so each time.
        [ -z "$without_those" ] || say "Architectures-Remove: $without_those"
        say "Signed-By: $signed_by"
    } >"$2"
}

# trusted FILE: the published certificates that have one of the fingerprints.
trusted() {
    fetch key.gpg "$work/key.gpg" \
        'Is the address right? For https a host needs the package ca-certificates'
    certificates "$work/key.gpg" >"$work/certificates"
    : >"$1"
    while read -r found from to; do
        has "$found" "$fingerprints" && slice "$work/key.gpg" "$from" $((to - from)) >>"$1"
    done <"$work/certificates"
    [ -s "$1" ] || die "no key of $root has the fingerprint$fingerprints; it has" \
        "$(cut -d ' ' -f 1 "$work/certificates" | tr '\n' ' '). Ask who gave you the fingerprint:" \
        "either the key was changed, or this is not the archive that is meant. Nothing was changed"
}

# covers FILE: whether a keyring has every certificate that is trusted here. The package's may be
# older than the key: then apt could not fetch the newer package by it.
covers() {
    [ -e "$1" ] && (certificates "$1") >"$work/packaged" 2>/dev/null || return 1
    while read -r found _; do
        ! has "$found" "$fingerprints" || grep -q "^$found " "$work/packaged" || return 1
    done <"$work/certificates"
}

set_up() {
    suites=${suites:-$default}
    trusted "$work/keyring"
    signed_by=$keyring
    ! covers "$packaged" || signed_by=$packaged
    for suite in $suites; do
        # The key came, so it is neither the way nor the address.
        fetch "$suite.sources" "$work/$suite.sources" "There is no suite $suite here, or the host's \
token is not for it. One of a pull request or a branch is there from its first publish until days \
after its last one"
        source_of "$suite" "$work/$suite.new"
    done
    : >"$work/older"
    for file in /etc/apt/sources.list "$parts"/*.list "$parts"/*.sources; do
        [ ! -f "$file" ] || ours "$file" || older "$file"
    done
    while read -r file; do
        others "$file" >"$work/left" || true # It was judged before.
        # What is left is written whole before the file is moved, and is as readable as it was: an
        # address may have a password in it.
        cp -p "$file" "$file.new"
        cat "$work/left" >"$file.new"
        aside "$file"
        if grep -q '^[[:space:]]*[^#[:space:]]' "$file.new"; then
            mv -f "$file.new" "$file"
            say "written    $file"
        else
            rm -f "$file.new"
        fi
    done <"$work/older"
    if [ "$signed_by" = "$keyring" ]; then
        mkdir -p /etc/apt/keyrings
        place "$work/keyring" "$keyring"
    fi
    for suite in $suites; do
        place "$work/$suite.new" "$parts/$name-$suite.sources"
    done
    [ "$signed_by" = "$keyring" ] || forget_keyring
    say "Now run: apt-get update"
}

remove() {
    for file in "$parts/$name"-*.sources; do
        suite=${file#"$parts/$name-"}
        ours "$file" || continue
        if [ -z "$suites" ] || has "${suite%.sources}" "$suites"; then
            rm -f "$file"
            say "removed    $file"
        fi
    done
    forget_keyring
    say "Now run: apt-get update"
}

# The keyring goes when no source names it any more.
forget_keyring() {
    if [ -e "$keyring" ] && ! grep -qsF "$keyring" /etc/apt/sources.list "$parts"/*; then
        rm -f "$keyring"
        say "removed    $keyring"
    fi
}

main() {
    suites='' components='' fingerprints='' removes=''
    while [ $# -gt 0 ]; do
        case $1 in
            --remove) removes=yes ;;
            --suite | --component | --fingerprint)
                [ $# -gt 1 ] || usage "$1 needs a value"
                case $1 in
                    --fingerprint)
                        given=$(say "$2" | tr -d ' ' | tr a-f A-F)
                        fits 0-9A-F "$given" && [ ${#given} -eq 40 ] ||
                            usage "'$2' is no fingerprint, which has 40 digits"
                        fingerprints="$fingerprints $given"
                        ;;
                    *)
                        fits "$letters" "$2" || usage "'$2' can't be the ${1#--}'s name"
                        case $1 in
                            --suite) suites="${suites:+$suites }$2" ;;
                            *) components="${components:+$components }$2" ;;
                        esac
                        ;;
                esac
                shift
                ;;
            *) usage "'$1' is not known" ;;
        esac
        shift
    done
    [ -n "$removes$fingerprints" ] || usage 'name the key that signs, by --fingerprint'
    [ "$(id -u)" -eq 0 ] || die 'only root can change the sources of apt'
    [ -z "$removes" ] || {
        remove
        return
    }
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    set_up
}

# At the end, so that a script which was cut off does nothing.
main "$@"
