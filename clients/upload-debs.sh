#!/bin/sh
# upload-debs.sh: publishes .deb files as one batch, and waits until apt can see them.
#
# It needs a POSIX shell, the `aws` command and coreutils. Credentials, Region and endpoint are AWS's
# usual environment. `debpress upload` does the same, and checks the files before it sends them.
#
# Exit codes: 0, published; 1, rejected, failed, not sent, or no answer in time; 2, the command line
# was wrong. Running it again is harmless: what is published already is answered as unchanged.
set -eu
export LC_ALL=C

usage() {
  cat <<'TEXT'
usage: upload-debs.sh --bucket BUCKET --suite SUITE [options] DEB...
       upload-debs.sh --bucket BUCKET --suite SUITE [options] FILE.changes

Uploads .deb files as one batch, which is published whole or not at all, and
waits until apt can see it. Of a .changes they are those that it lists, which
lie beside it; it is itself the manifest, with whoever's signature is on it.

  --bucket BUCKET        the press's bucket (or the variable DEBPRESS_BUCKET)
  --suite SUITE          where to publish; several times, for one batch that is
                         published in all of these suites or in none
  --component COMPONENT  default: main
  --batch BATCH          the batch's name; default: the time and a random part;
                         of an upload that broke off, what is lacking is sent
  --uploader NAME        begin that with NAME and a dot, where uploaders are told
                         by it, and for several suites
  --timeout SECONDS      how long to wait for the result; default: 600
  --no-wait              leave when all is uploaded; prints the result's key
  --help                 show this
TEXT
}

wrong() { # MESSAGE: the command line can't be obeyed
  if [ -n "${GITHUB_ACTIONS:-}" ]; then annotate '' 'not published' "$1"; fi
  printf 'upload-debs.sh: %s (see --help)\n' "$(shown "$1")" >&2
  exit 2
}

fail() { # MESSAGE
  if [ -n "$unfolded" ]; then end "$unfolded"; fi
  if [ -n "${GITHUB_ACTIONS:-}" ]; then annotate '' 'not published' "$1"; fi
  if [ "$refused" = yes ]; then
    wrong_lines "Not published to $(places): not sent" <"$scratch/lines" | page
  else
    printf '%s\n' "$(shown "$1")" | wrong_lines "The upload to $(places) ended with an error" | page
  fi
  printf 'upload-debs.sh: %s\n' "$(shown "$1")" >&2
  exit 1
}

# A control character could alter what a terminal shows; and on GitHub, a newline begin a command.
shown() { printf '%s' "$1" | tr '[:cntrl:]' '?'; }

places() { printf '%s' "$(replaced "$suites" ' ' "/$component, ")/$component"; }

# Appends to GitHub's page of the run. Without it, what was published is published all the same.
page() {
  if [ -z "${GITHUB_STEP_SUMMARY:-}" ]; then
    cat >/dev/null
  elif ! { cat >>"$GITHUB_STEP_SUMMARY"; } 2>/dev/null; then
    printf "note: the run's page gets no summary: %s can't be written\n" \
      "$(shown "$GITHUB_STEP_SUMMARY")" >&2
  fi
}

wrong_lines() { # TITLE: of the lines of standard input, with nothing in them that Markdown takes
  printf '### %s\n\n' "$1"
  while IFS= read -r line; do
    # shellcheck disable=SC1003 # A backslash is meant.
    for each in '\' '`' '*' '_' '<' '>' '[' ']' '&' '~' '|' '#'; do
      line=$(replaced "$line" "$each" "\\$each")
    done
    printf '%s\n' "- $line"
  done
}

# Ends with what the aws command said, and what to do about it; `$scratch/said` has it.
unsent() { # WHAT
  said=
  while IFS= read -r line || [ -n "$line" ]; do
    if [ -n "$line" ]; then said=$line; fi
  done <"$scratch/said"
  case $said in
    *AccessDenied* | *'(403)'*)
      advice='check --suite, --component and, where there are uploaders, --uploader: a role may write to its own places alone'
      ;;
    *NoSuchBucket*) advice="check the bucket's name and its Region" ;;
    *[Cc]redentials* | *ExpiredToken* | *InvalidAccessKeyId* | *InvalidToken* | *SignatureDoesNotMatch*)
      advice='give the job a role, or the AWS_ variables of one, that are not expired'
      ;;
    *) advice='run this again, which is harmless' ;;
  esac
  fail "$1 could not be uploaded (${said:-aws said nothing}): nothing was published; $advice"
}

# Prints an error where the pages of GitHub Actions show it, next to the job; the file may be empty.
# A workflow command ends with its line, and has its own escapes (GitHub's documentation, "Workflow
# commands", and its toolkit's `command.ts`).
annotate() { # FILE TITLE MESSAGE
  printf '::error '
  if [ -n "$1" ]; then printf 'file=%s,' "$(property "$1")"; fi
  printf 'title=%s::%s\n' "$(property "$2")" "$(escaped "$3")"
}

escaped() { replaced "$(shown "$1")" % %25; }
property() { replaced "$(replaced "$(escaped "$1")" : %3A)" , %2C; }

replaced() { # TEXT OLD NEW: every OLD of TEXT as NEW
  rest=$1 done=
  while :; do
    case $rest in
      *"$2"*) done=$done${rest%%"$2"*}$3 rest=${rest#*"$2"} ;;
      *) break ;;
    esac
  done
  printf '%s' "$done$rest"
}

# The names that the press takes (docs/contract.md, "Keys"); others it would never answer.
is_name() { # TEXT ALLOWED: whether it is not empty and has only characters of the class ALLOWED
  case $1 in '' | [!A-Za-z0-9]*) return 1 ;; esac
  rest=$1
  while [ -n "$rest" ]; do
    # shellcheck disable=SC2295 # A pattern is what it is meant to be.
    case $rest in [$2]*) rest=${rest#?} ;; *) return 1 ;; esac
  done
}

tab=$(printf '\t')
bucket=${DEBPRESS_BUCKET:-} suites='' component=main batch='' uploader='' timeout=600 wait=yes unfolded='' refused=

while [ $# -gt 0 ]; do
  case $1 in
    --bucket | --suite | --component | --batch | --uploader | --timeout)
      [ $# -ge 2 ] || wrong "$1 needs a value"
      case $1 in
        --bucket) bucket=$2 ;;
        --suite)
          is_name "$2" 'a-z0-9.+-' || wrong "--suite: '$2' is no suite's name"
          case " $suites " in *" $2 "*) wrong '--suite: the same suite is named twice' ;; esac
          suites=${suites:+$suites }$2
          ;;
        --component) component=$2 ;;
        --batch) batch=$2 ;;
        --uploader) uploader=$2 ;;
        --timeout) timeout=$2 ;;
      esac
      shift 2
      ;;
    --no-wait) wait=no; shift ;;
    -h | --help) usage; exit 0 ;;
    --) shift; break ;;
    -*) wrong "there is no option $1" ;;
    *) break ;;
  esac
done

[ -n "$bucket" ] || wrong 'say --bucket, or set DEBPRESS_BUCKET'
[ -n "$suites" ] || wrong 'say --suite'
suite=${suites%% *}
is_name "$component" 'a-z0-9.+-' || wrong "--component: '$component' is no component's name"
is_name "$timeout" 0-9 || wrong "--timeout: '$timeout' is no number of seconds"
named=$batch
if [ -z "$batch" ]; then
  batch=$(date -u +%Y%m%dT%H%M%SZ)-$(od -An -N4 -tx4 /dev/urandom | tr -d ' \n')
fi
if [ -n "$uploader" ]; then
  is_name "$uploader" 'a-z0-9-' || wrong "--uploader: '$uploader' is no uploader's name"
  batch=$uploader.${batch#"$uploader."}
fi
if ! is_name "$batch" 'A-Za-z0-9._-' || [ ${#batch} -gt 128 ]; then
  wrong "--batch: '$batch' must be up to 128 letters, digits, '.', '_' and '-', a letter or digit first"
fi
if [ "$suites" != "$suite" ]; then
  # The press would say so after the upload.
  case $batch in
    *.*) ;;
    *) wrong '--suite: for several suites, say --uploader NAME, who may publish in each of them' ;;
  esac
  case $suites in *' '*' '*' '*' '*' '*' '*' '*' '*) wrong '--suite: the most are 8 suites' ;; esac
fi
[ $# -gt 0 ] || wrong 'name the .deb files'

name=$suite/$component/$batch
staging=staging/$name
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'broken 130' INT
trap 'broken 143' TERM HUP

broken() { # EXIT CODE
  if [ -n "$unfolded" ]; then end "$unfolded"; fi
  printf 'upload-debs.sh: interrupted; run this again with --batch %s, which goes on from there\n' \
    "$batch" >&2
  exit "$1"
}

refuse() { # PATH PROBLEM
  if [ -n "${GITHUB_ACTIONS:-}" ]; then annotate "$1" 'not sent' "${1##*/} $2"; fi
  printf '%s: %s\n' "$(shown "$1")" "$2" | tee -a "$scratch/lines" >&2
  refused=yes
}

# All that can be known to be wrong is said before a byte is sent.
: >"$scratch/names"
: >"$scratch/paths"
: >"$scratch/listed"
changes=
case $#:$1 in
  1:*.changes)
    changes=$1
    shift
    case ${changes##*/} in
      *[!A-Za-z0-9._+~%:-]*) refuse "$changes" 'has a character that no file of a build has' ;;
    esac
    if ! [ -r "$changes" ]; then
      refuse "$changes" "is not there, or can't be read"
    else
      # A line of a field's begins with a blank (Debian Policy 5.1), whatever signs it.
      field='' others=''
      # shellcheck disable=SC2094 # It is named there, and not written.
      while IFS= read -r line || [ -n "$line" ]; do
        case $line in
          '' | [!\ "$tab"]*) field=${line%%:*} ;;
          *)
            [ "$field" = Checksums-Sha256 ] || continue
            read -r sum _ base <<TEXT
$line
TEXT
            case $base in
              '' | */*) refuse "$changes" 'has a line in Checksums-Sha256 that is none' ;;
              *.deb)
                set -- "$@" "${changes%"${changes##*/}"}$base"
                printf '%s %s\n' "$sum" "$base" >>"$scratch/listed"
                ;;
              *) others=${others:+$others, }$base ;;
            esac
            ;;
        esac
      done <"$changes"
      if [ -n "$others" ]; then
        printf '%s: not sent, since debpress publishes binary packages alone: %s\n' \
          "$(shown "$changes")" "$(shown "$others")" >&2
      fi
      if [ $# = 0 ] && [ -z "$refused" ]; then refuse "$changes" 'lists no .deb file'; fi
    fi
    ;;
esac
for deb; do
  base=${deb##*/}
  problem=
  case $base in
    *[!A-Za-z0-9._+~%:-]*) problem="has a character that no package's file name has" ;;
    *.deb) ;;
    *.changes) problem='is no .deb file; a .changes is named alone' ;;
    *) problem='is no .deb file' ;;
  esac
  if ! [ -f "$deb" ]; then
    case $problem:$base in
      *[*?[]*) problem='is not there, and no file is like it' ;;
      :*) problem='is not there' ;;
    esac
  fi
  if [ -z "$problem" ] && ! [ -r "$deb" ]; then problem="can't be read"; fi
  while IFS= read -r other; do
    if [ "$other" = "$base" ]; then problem='is named twice'; fi
  done <"$scratch/names"
  printf '%s\n' "$base" >>"$scratch/names"
  printf '%s\n' "$deb" >>"$scratch/paths"
  if [ -z "$problem" ]; then
    sum=$(sha256sum <"$deb") || fail "$deb can't be read"
    printf '%s  %s\n' "${sum%% *}" "$base" >>"$scratch/SHA256SUMS"
    while read -r listed other; do
      if [ "$other" = "$base" ] && [ "$listed" != "${sum%% *}" ]; then
        problem="is not what ${changes##*/} lists; build both again, or name the one that it lists"
      fi
    done <"$scratch/listed"
  fi
  if [ -n "$problem" ]; then refuse "$deb" "$problem"; fi
done
[ -z "$refused" ] || fail 'nothing was sent; mend what is said above'
command -v aws >/dev/null || fail "the aws command is not there; install AWS's CLI"

# A part of the log that GitHub's and GitLab's pages fold; elsewhere a plain line.
begin() { # ID TITLE
  unfolded=$1
  if [ -n "${GITHUB_ACTIONS:-}" ]; then
    printf '::group::%s\n' "$2"
  elif [ -n "${GITLAB_CI:-}" ]; then
    printf '\033[0Ksection_start:%s:%s\r\033[0K%s\n' "$(date +%s)" "$1" "$2"
  else
    printf '%s\n' "$2"
  fi
}
end() { # ID
  unfolded=
  if [ -n "${GITHUB_ACTIONS:-}" ]; then
    printf '::endgroup::\n'
  elif [ -n "${GITLAB_CI:-}" ]; then
    printf '\033[0Ksection_end:%s:%s\r\033[0K\n' "$(date +%s)" "$1"
  fi
}

json_of() { # SHA256SUMS: as manifest.json; no name of a package has anything to be escaped
  printf '{"version": 1, "suites": ["%s"], "files": [' "$(replaced "$suites" ' ' '", "')"
  comma=
  while read -r sum base; do
    printf '%s\n {"name": "%s", "sha256": "%s"}' "$comma" "$base" "$sum"
    comma=,
  done <"$1"
  printf '\n]}\n'
}

# On a terminal `aws` shows how far it is; in a log that would be thousands of lines.
progress=--no-progress
if [ -t 1 ]; then progress=; fi

# Whether a file is in staging with the same bytes, by the ETag that S3 gives what `aws s3 cp` has sent
# there: its MD5, or that of its parts' MD5s, the parts being of 8 MiB or of 64, as docs/ci.md has it.
staged() { # FILE
  size=$(($(wc -c <"$1")))
  while IFS=$tab read -r key length etag; do
    [ "$key:$length" = "$staging/${1##*/}:$size" ] || continue
    etag=$(replaced "$etag" '"' '')
    sum=$(md5sum <"$1")
    if [ "${sum%% *}" = "$etag" ]; then return 0; fi
    for part in 8 64; do
      parts=$(((size + part * 1048576 - 1) / (part * 1048576)))
      sum=$(parted "$1" "$part" "$parts" 2>/dev/null | md5sum)
      if [ "${sum%% *}-$parts" = "$etag" ]; then return 0; fi
    done
  done <"$scratch/staged"
  return 1
}
parted() { # FILE MEBIBYTES PARTS: the MD5s of its parts, one after another
  number=0
  while [ "$number" -lt "$3" ]; do
    dd if="$1" bs=1048576 skip=$((number * $2)) count="$2" | md5sum | cut -c 1-32
    number=$((number + 1))
  done | tr -d '\n' | tr a-f A-F | basenc --base16 --decode
}

send() { # FILE
  if staged "$1"; then
    printf '  %s (there already)\n' "${1##*/}"
  else
    # shellcheck disable=SC2086 # It is one word, or none.
    aws s3 cp $progress -- "$1" "s3://$bucket/$staging/${1##*/}" 2>"$scratch/said" || unsent "$1"
  fi
}

begin upload "Uploading $# package(s) to s3://$bucket/$staging/"
: >"$scratch/staged"
if [ -n "$named" ]; then
  # Who may not list sends all of it.
  aws s3api list-objects-v2 --bucket "$bucket" --prefix "$staging/" --output text \
    --query 'Contents[].[Key, Size, ETag]' >"$scratch/staged" 2>/dev/null || : >"$scratch/staged"
fi
for deb; do
  send "$deb"
  # Its Sigstore bundle, which no manifest lists.
  if [ -f "$deb.sigstore.json" ]; then send "$deb.sigstore.json"; fi
done
# The manifest is last: its arrival starts the press. For several suites it has to say so.
manifest=SHA256SUMS body=$scratch/SHA256SUMS
if [ "$suites" != "$suite" ]; then
  manifest=manifest.json body=$scratch/manifest.json
  json_of "$scratch/SHA256SUMS" >"$body"
elif [ -n "$changes" ]; then
  manifest=${changes##*/} body=$changes
fi
put=$(aws s3api put-object --bucket "$bucket" --key "$staging/$manifest" \
  --body "$body" --query '[ETag, VersionId]' --output text 2>"$scratch/said") ||
  unsent 'the manifest'
etag=${put%%"$tab"*} put_version=${put#*"$tab"}
etag=$(replaced "$etag" '"' '')
end upload

result=results/$name.json
if [ "$wait" = no ]; then
  printf '%s\n' "$result"
  exit 0
fi

# Reads a result, which is JSON, without a tool for JSON: split at its quotes, every second piece is a
# string, and what stands between two strings tells what they are. A quote within a string is
# escaped by a backslash; then the pieces on both sides of it are one string.
#
# Sets status, generation, and of the manifest that it answers the ETag (answered) and the version
# (answered_version, empty where the bucket has none). Writes packages, errors and what was ignored to
# files in $scratch, as they are to be printed; and to suites which of several have it, and since
# which generation.
read_result() { # JSON
  status='' generation='' answered='' answered_version='' list='' key='' string='' is_string=no
  action='' architecture='' package='' version='' code='' file='' message=''
  its_suite='' its_generation=''
  : >"$scratch/packages"
  : >"$scratch/suites"
  : >"$scratch/ignored"
  : >"$scratch/errors"
  : >"$scratch/lines"
  set -f
  before=$IFS
  IFS='"'
  # shellcheck disable=SC2086 # Splitting it is the purpose.
  set -- $1
  IFS=$before
  set +f
  for piece; do
    if [ $is_string = yes ]; then
      string=$string$piece
      backslashes=${string##*[!\\]}
      if [ $((${#backslashes} % 2)) = 1 ]; then
        string=$string'"'
      else
        is_string=no
      fi
    else
      between "$piece"
      is_string=yes string=
    fi
  done
}

between() { # PIECE: what follows upon the string $string
  case $1 in
    :*)
      key=$string
      number=${1#"${1%%[0-9]*}"}
      case $list.$key in
        .generation) generation=${number%%[!0-9]*} ;;
        suites.generation) its_generation=${number%%[!0-9]*} ;;
      esac
      # An array that is not empty: what comes is a member of it.
      case $1 in *']'*) ;; *'['*) list=$key ;; esac
      return
      ;;
  esac
  case $list.$key in
    .status) status=$string ;;
    .etag) answered=$string ;;
    .version_id) answered_version=$string ;;
    suites.suite) its_suite=$string ;;
    packages.action) action=$string ;;
    packages.architecture) architecture=$string ;;
    packages.package) package=$string ;;
    packages.version) version=$string ;;
    errors.code) code=$string ;;
    errors.file) file=$string ;;
    errors.message) message=$string ;;
    ignored.ignored) printf '%s\n' "$string" >>"$scratch/ignored" ;;
  esac
  case $1 in
    *'}'*)
      case $list in
        suites)
          printf '%s %s\n' "$its_suite" "$its_generation" >>"$scratch/suites" ;;
        packages) row "$action" "$package" "$version" "$architecture" >>"$scratch/packages" ;;
        errors) refusal "$(plain "$file")" "$code" "$(plain "$message")" >>"$scratch/errors" ;;
      esac
      ;;
  esac
  case $1 in *']'*) list= ;; esac
}

row() { printf '  %-9s  %-28s  %-24s  %s\n' "$@"; }

# The generation of one of several suites; nothing where it does not have the batch.
generation_of() { # SUITE
  while read -r its_suite its_generation; do
    if [ "$its_suite" = "$1" ]; then printf '%s' "$its_generation"; fi
  done <"$scratch/suites"
}

install_line() { # The one that installs what was published; nothing where there is nothing
  install=
  while read -r action package version architecture; do
    case " $install " in *" $package=$version "*) ;; *) install="$install $package=$version" ;; esac
  done <"$scratch/packages"
  if [ -n "$install" ]; then printf 'sudo apt-get update && sudo apt-get install%s' "$install"; fi
}

summary() { # In GitHub's Markdown, for the page of the run
  if [ "$status" != published ]; then
    wrong_lines "Not published to $(places): $status" <"$scratch/lines"
    return
  fi
  printf '### Published to %s\n\n' "$(places)"
  printf '| | package | version | architecture |\n|---|---|---|---|\n'
  while read -r action package version architecture; do
    printf '| %s | %s | %s | %s |\n' "$action" "$package" "$version" "$architecture"
  done <"$scratch/packages"
  for each in $suites; do
    number=$(generation_of "$each")
    # shellcheck disable=SC2016 # Backquotes are meant.
    printf '\n%s, generation %s:\n\n```sh\n%s\n```\n' "$each" "${number:-$generation}" \
      "$(install_line)"
  done
}

refusal() { # FILE CODE MESSAGE
  if [ -n "${GITHUB_ACTIONS:-}" ]; then annotate "$(path_of "$1")" "$1: $2" "$3"; fi
  printf '%s: %s: %s\n' "$@" | tee -a "$scratch/lines"
}

# JSON's escapes of quotes and backslashes are taken away. The others stay, so that no control
# character of a file's name gets to a terminal.
# shellcheck disable=SC1003 # Backslashes are meant.
plain() { replaced "$(replaced "$1" '\"' '"')" '\\' '\'; }

path_of() { # BASE NAME: as it was named on the command line
  while IFS= read -r path; do
    if [ "${path##*/}" = "$1" ]; then printf '%s' "$path"; fi
  done <"$scratch/paths"
}

# Whether the manifest is another upload's by now, as far as that can be seen.
replaced_by_another() {
  aws s3api list-objects-v2 --bucket "$bucket" --prefix "$staging/$manifest" --output text \
    --query 'Contents[].[Key, ETag]' >"$scratch/manifests" 2>/dev/null || return 1
  while IFS=$tab read -r key its_etag; do
    [ "$key" = "$staging/$manifest" ] || continue
    if [ "$(replaced "$its_etag" '"' '')" != "$etag" ]; then return 0; fi
  done <"$scratch/manifests"
  return 1
}

# A result may be of an earlier upload of the same name, so it is told by the manifest's ETag; and by
# its version, since the same files make the same manifest. S3 refuses (403) what is not there to
# those who may not list, as a CI's role may not.
begun=$(date +%s)
pause=1 others=
while :; do
  if body=$(aws s3 cp --only-show-errors "s3://$bucket/$result" - 2>"$scratch/said"); then
    read_result "$body"
    if [ "$answered" = "$etag" ]; then
      case $put_version in "$answered_version" | None) break ;; esac
    fi
    # Each result is weighed once. It was written after the manifest that it answers, so if that is
    # a later one than ours, the listing has it.
    if [ "$body" != "$others" ]; then
      others=$body
      if replaced_by_another; then
        fail "another upload used this batch name, $batch: s3://$bucket/$result answers it, and not this one, which may not have been published. Run this again with another --batch, which is harmless; a name is for one job alone"
      fi
    fi
  fi
  waited=$(($(date +%s) - begun))
  if [ "$waited" -ge "$timeout" ]; then
    hidden=
    if [ -n "$others" ]; then
      hidden='. The result that is there answers another upload by this name, be it an earlier one'
    fi
    case $(cat "$scratch/said") in
      '' | *'(404)'* | *NoSuchKey*) ;;
      *'(403)'* | *AccessDenied*)
        hidden=". S3 refused to show the result, as it does while there is none: if it stays so, check that the role has s3:GetObject on $result"
        ;;
      *) cat "$scratch/said" >&2 ;;
    esac
    fail "no result after $timeout s. The batch may still be published: wait for s3://$bucket/$result, or run this again, which is harmless. If none comes, \`debpress status\` tells whoever runs the repository what waits$hidden"
  fi
  sleep "$pause"
  if [ "$pause" -lt 8 ]; then pause=$((pause * 2)); fi
done

case $status in
  published)
    where="generation $generation"
    if ! [ -s "$scratch/packages" ]; then where="$where, in which there was nothing left to do"; fi
    if [ "$suites" != "$suite" ]; then where=$(replaced "$suites" ' ' ', '); fi
    begin result "$name: published in $where"
    ;;
  rejected) begin result "$name: rejected, nothing of it was published" ;;
  *) begin result "$name: $status; run this again, or tell who runs the repository" ;;
esac
if [ "$suites" != "$suite" ]; then
  for each in $suites; do
    number=$(generation_of "$each")
    if [ -n "$number" ]; then
      printf '  %s: published in generation %s\n' "$each" "$number"
    else
      printf '  %s: not published\n' "$each"
    fi
  done
fi
if [ "$status" = published ]; then cat "$scratch/packages"; fi
while IFS= read -r ignored; do
  printf "  ignored %s: no package of the manifest's\n" "$ignored"
done <"$scratch/ignored"
if [ "$status" = published ] && [ -s "$scratch/packages" ]; then
  printf 'On hosts of %s:\n  %s\n' "$(replaced "$suites" ' ' ' and ')" "$(install_line)"
fi
end result
summary | page
# Last, where people look first.
cat "$scratch/errors" >&2
[ "$status" = published ]
