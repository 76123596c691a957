#!/usr/bin/env bash
# Looks at a running deployment on QEMU as its operator would: by curl, from outside and from inside the machines' network.
#
#     sudo scripts/smoke.sh [http://127.0.0.1:4000]
#
# SALLYPORT_DATA_DIR names the server's data directory (default .sallyport/data). It needs root, curl, jq, e2fsprogs and Node, leaves
# one cancelled login behind, and says of each check whether it holds. Ends with 1 if one does not.
set -uo pipefail
cd "$(dirname "$0")/.."
base=${1:-http://127.0.0.1:4000}
data=$(realpath "${SALLYPORT_DATA_DIR:-.sallyport/data}")
patience=${SMOKE_PATIENCE:-300}
passed=0 failed=0

for program in curl jq debugfs node ip; do
  command -v "$program" >/dev/null || PATH=$PATH:/usr/sbin:/sbin
  command -v "$program" >/dev/null || { echo "$program is missing: apt-get install curl jq e2fsprogs iproute2 nodejs"; exit 2; }
done
[ "$(id -u)" -eq 0 ] || { echo 'Only root can enter the network of the machines.'; exit 2; }
curl -fsS -m 10 "$base/health" >/dev/null || { echo "No server answers at $base."; exit 2; }

# check WHAT COMMAND…: the command's exit code decides.
check() {
  local what=$1
  shift
  if "$@" >/dev/null 2>&1; then
    passed=$((passed + 1)) && echo "holds   $what"
  else
    failed=$((failed + 1)) && echo "FAILS   $what"
  fi
}
# until_true COMMAND…: asks again until the command succeeds or the patience ends.
until_true() {
  local end=$((SECONDS + patience))
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 1
  done
}
post() { curl -sS -m 60 -X POST -H 'content-type: application/json' -d "$2" "$base$1"; }
has() { jq -e "$1" <<<"$2"; }

### The API, from outside

started=$(post /api/auth/start '{"userId":"test-user-001","provider":"claude_code"}')
session=$(jq -r '.sessionId // .details.sessionId // empty' <<<"$started")
check "POST /api/auth/start names the session $session" has '.sessionId | test("^[0-9a-f-]{36}$")' "$started"
check 'POST /api/auth/start gives a viewer address' has '.novncURL | test("^https?://.+/novnc")' "$started"
check 'POST /api/auth/start gives the address of the browser machine' has '.browserIP | test("^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+$")' "$started"
viewer=$(jq -r '.novncURL // empty' <<<"$started")
check 'the viewer address shows a page' grep -q '<script type="module"' <(curl -fsS -m 10 "$viewer")

status() { curl -sS -m 10 "$base/api/auth/session/$session/status"; }
awaits_person() { status | jq -e '.phase == "awaiting-user"' >/dev/null; }
check 'the login waits for the user' until_true awaits_person
awaits_person || echo "        it says: $(status)"
# A screen that speaks the protocol of VNC (RFC 6143) says so in its first twelve bytes.
sees_desktop() {
  local ticket
  ticket=$(post "/api/auth/session/$session/ticket" '{}' | jq -r .ticket)
  # The end of what reads is no failure of what writes: no pipe between the two.
  head -c 14 < <(timeout 15 curl -sS --http1.1 -N --output - -H "Origin: $base" -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
    -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: c21va2Utc2FsbHlwb3J0IQ==' \
    -H "Sec-WebSocket-Protocol: binary, sallyport.ticket.$ticket" \
    "$base/api/auth/session/$session/novnc/websock" 2>/dev/null) | grep -aq 'RFB 003'
}
check 'a desktop answers behind the viewer address' sees_desktop

### An agent, from inside the network of the machines

# Named after the data directory: another deployment's may have a machine at the same address.
namespace=sallyport-$(printf '%s\0machines' "$data" | sha256sum | cut -c1-12)
# A machine that is kept ready for the next login belongs to nobody, so no login is disturbed. A preparation has one started.
find_ready() {
  post /api/auth/prepare '{"userId":"test-user-001"}' >/dev/null
  curl -sS -m 10 "$base/metrics" | grep -E '^sallyport_browser_machines_ready [1-9]' >/dev/null || return 1
  for folder in "$data"/qemu/m-*/; do
    machine=$(basename "$folder")
    jq -e '.plan.role == "browser"' "$folder/machine.json" >/dev/null 2>&1 || continue
    curl -sS -m 10 "$base/api/vms?userId=test-user-001" | jq -e --arg id "$machine" 'all(.vmId != $id)' >/dev/null || continue
    reach "$machine" && return 0
  done
  return 1
}
# reach MACHINE: sets address and token for its agent, and asks whether it answers.
reach() {
  address=$(jq -r --arg id "$1" '.records[$id].address // empty' "$data/network/machines.json")
  boot=$(debugfs -R 'cat /boot/config.json' "$data/qemu/$1/agent.ext4" 2>/dev/null)
  token=$(jq -r '.token // empty' <<<"$boot")
  [ -n "$address" ] && [ -n "$token" ] && agent /health 2>/dev/null | jq -e .status >/dev/null 2>&1
}
# The token is told by a file descriptor: arguments can be seen by everybody.
agent() {
  local path=$1
  shift
  ip netns exec "$namespace" curl -sS -m 60 -H @<(echo "authorization: Bearer $token") "$@" "http://$address:8080$path"
}
stranger() { ip netns exec "$namespace" curl -s -o /dev/null -w '%{http_code}' -m 10 "$@"; }

if until_true find_ready; then
  health=$(agent /health)
  check "GET /health of $address is {status, timestamp, activeSessions}" \
    has '.status == "ok" and (.timestamp | type == "string") and (.activeSessions | type == "number")' "$health"
  request=$(node --input-type=module -e '
    import { manifest } from "@sallyport/provider-claude";
    const method = manifest.logins.find(({ kind }) => kind === "loopback-callback");
    console.log(JSON.stringify({ sessionId: process.argv[1], method, cli: manifest.cli, credentials: manifest.credentials }));
  ' "$session")
  # With the session of the first check. Its own machine runs this login already, and would refuse a second one.
  login=$(agent /auth/claude_code -X POST -H 'content-type: application/json' -d @<(echo "$request"))
  check 'POST /auth/claude_code answers {success, oauthUrl}' has '.success == true and (.oauthUrl | startswith("https://"))' "$login"
  state=$(agent "/credentials/status?sessionId=$session")
  check 'GET /credentials/status answers {authenticated, path}' has '.authenticated == false and has("path")' "$state"
  agent /auth/claude_code/cancel -X POST -H 'content-type: application/json' -d "{\"sessionId\":\"$session\"}" >/dev/null
  for path in /health /auth/claude_code "/credentials/status?sessionId=$session"; do
    check "$path without the token is 401" test "$(stranger "http://$address:8080$path")" = 401
  done
else
  failed=$((failed + 1))
  echo "FAILS   no machine was ready for the next login within $patience s (warmBrowserMachines must be at least 1, and templates off: the token of one that goes on from a template is in no file)"
fi

# The machine of the login itself: the only one of this user with a desktop that knows the session.
login_machine_answers() {
  for machine in $(curl -sS -m 10 "$base/api/vms?userId=test-user-001" | jq -r '.[] | select(.type == "browser") | .vmId'); do
    reach "$machine" && has '.authenticated == false and has("path")' "$(agent "/credentials/status?sessionId=$session")" && return 0
  done
  return 1
}
check 'GET /credentials/status of the machine where the login runs knows its session' login_machine_answers

post "/api/auth/session/$session/cancel" '{}' >/dev/null
echo "$passed hold, $failed fail"
[ "$failed" -eq 0 ]
