# What every playbook types. Sourced at the end of a page's first block, in the folder of the project; for bash and zsh.
# It uses what that block sets: account, region, incident. It needs the AWS CLI, jq, and firebreak on the PATH.

# The AWS CLI in the account and Region of the finding. It needs a profile for each account, called by the account's id.
in_account() { aws --profile "$account" --region "$region" "$@"; }

# none_if <code> <command>: "none" when AWS answers with that error. Any other failure stays one, with its message.
none_if() {
  code=$1 && shift
  said=$("$@" 2>&1) && printf '%s\n' "$said" && return
  case $said in
    *"($code)"*) echo none ;;
    *) printf '%s\n' "$said" >&2 && return 1 ;;
  esac
}

# follow <execution> [aws]: waits until a runbook has ended or waits for an approval, an hour at most, then shows what it says. Fails
# when it failed; one that is still running may be followed again.
# With aws it is a runbook of the security account, otherwise of the account of the finding.
follow() {
  for _ in $(seq 1200); do
    run=$("${2:-in_account}" ssm get-automation-execution --automation-execution-id "$1" --output json) || return 1
    now=$(printf '%s' "$run" | jq -r .AutomationExecution.AutomationExecutionStatus)
    case $now in Pending | InProgress) sleep 3 ;; *) break ;; esac
  done
  printf '%s' "$run" | jq -r '.AutomationExecution
    | .AutomationExecutionStatus, (.FailureMessage // empty),
      ((.Outputs // {})[][] | select(startswith("No output available") | not))'
  case $now in
    Success | Waiting) ;;
    Pending | InProgress) echo "still running: follow $1 again" && return 1 ;;
    *) return 1 ;;
  esac
}

# keep <folder>: takes the hashes of the files in a folder, puts all of them into the account's evidence bucket, where nobody
# can write over them, in a folder by the time, and notes that in the incident. The note has who and when.
keep() {
  (cd "$1" && find . -type f ! -name SHA256SUMS -exec sha256sum {} + > SHA256SUMS && cat SHA256SUMS) || return 1
  kept="incidents/$incident/$(date -u +%Y%m%dT%H%M%SZ)"
  for file in "$1"/*; do
    in_account s3api put-object --bucket "firebreak-evidence-$account-$region" \
      --key "$kept/$(basename "$file")" --body "$file" --if-none-match '*' > /dev/null || return 1
  done
  firebreak incident note "$incident" \
    "evidence: $kept/ of its bucket, SHA-256 of SHA256SUMS: $(sha256sum < "$1/SHA256SUMS" | cut -d' ' -f1)"
}
