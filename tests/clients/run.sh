#!/usr/bin/env bash
# Drives `tailsieve run` with real clients and checks what it keeps: every span exactly once, with all it had.
#
# How to run, from anywhere: tests/clients/run.sh
# Needs cargo, go, node 20 with npm, python3 with venv, curl, and the packages' registries. Clients are installed, in pinned
# versions, into a folder that is deleted afterwards; to keep it for the next run, name one: CLIENTS_FOLDER=/var/tmp/clients
#
# Clients: the OpenTelemetry SDKs of Python (gRPC, HTTP/protobuf) and Node (gRPC, HTTP/protobuf, HTTP/JSON), each plain and
# gzipped, and the collector's telemetrygen (gRPC, HTTP). Each meets a replica of its own:
#   plain    the replica keeps everything in files
#   flood    the replica has 1 MiB of memory and its backend is down: it refuses (UNAVAILABLE, 503), the SDK retries, the
#            backend comes up (a second replica, with the files), and everything arrives, once. (Node's gRPC exporter has
#            no retry; there sdk_client.js is the one that tries again)
#   partial  one of two spans is refused through partial_success
# Prints each check, then `N passed, N failed`; the exit code is 1 if any failed.
set -euo pipefail

TELEMETRYGEN=github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@v0.149.0

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
clients=${CLIENTS_FOLDER:-$work/clients}
mkdir -p "$clients"
passed=0
failed=0
children=()

finish() {
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

install_clients() {
    if [[ ! -x $clients/venv/bin/python ]]; then
        python3 -m venv "$clients/venv"
    fi
    "$clients/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/package.json" "$clients/package.json"
    (cd "$clients" && npm install --silent --ignore-scripts --no-audit --no-fund)
    if [[ ! -x $clients/bin/telemetrygen ]]; then
        # Modules are read-only otherwise and could not be deleted.
        GOBIN=$clients/bin GOFLAGS=-modcacherw go install "$TELEMETRYGEN"
    fi
}

# Four free ports: gRPC and HTTP of the replica under test, its admin port, its backend's gRPC port.
choose_ports() {
    read -r grpc_port http_port admin_port backend_port < <(python3 - <<'PYTHON'
import socket
sockets = [socket.socket() for _ in range(4)]
for each in sockets:
    each.bind(("127.0.0.1", 0))
print(*[each.getsockname()[1] for each in sockets])
PYTHON
    )
}

# wait_until COMMAND...: for 10 s.
wait_until() {
    for _ in $(seq 100); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    echo "gave up waiting for: $*" >&2
    return 1
}

# start_replica NAME ARGUMENTS...: with CASE/NAME.yaml, in the background.
start_replica() {
    local name=$1
    shift
    "$root/target/debug/tailsieve" run --config "$case/$name.yaml" --policies "$work/keep.yaml" "$@" \
        >"$case/$name.log" 2>&1 &
    children+=($!)
    last_child=$!
}

stop_replica() {
    kill -TERM "$1"
    wait "$1" || echo "the replica ended with $?" >&2
}

file_config() {
    cat <<YAML
exporters: {file: {path: $case/kept}}
YAML
}

# backend_config: what the replica under test has when it delivers to a backend.
backend_config() {
    cat <<YAML
memory: {limit: 1MiB}
batch: {max_size: 64KiB}
exporters:
  otlp:
    endpoint: http://127.0.0.1:$backend_port
    sending_queue: {limit: 256KiB}
    retry_on_failure: {initial_interval: 100ms, max_interval: 200ms}
YAML
}

metric() {
    curl --silent "http://127.0.0.1:$admin_port/metrics" | awk -v name="$1" '$1 ~ "^" name { sum += $2 } END { print sum + 0 }'
}

has_refused() {
    [[ $(metric tailsieve_receiver_requests_refused_total) -gt 0 ]]
}

is_ready() {
    curl --silent --fail "http://127.0.0.1:$1/readyz"
}

report() {
    if [[ $1 == 0 ]]; then
        passed=$((passed + 1))
        echo "ok      $2"
    else
        failed=$((failed + 1))
        echo "FAILED  $2"
        tail -n 20 "$case"/*.out | sed 's/^/        /'
    fi
}

# run_case NAME SCENARIO COMMAND...: the command is expanded once the ports are known.
run_case() {
    local name=$1 scenario=$2
    shift 2
    choose_ports
    case=$work/${name// /-}
    mkdir -p "$case"
    if [[ $scenario == flood ]]; then backend_config; else file_config; fi >"$case/replica.yaml"
    start_replica replica --grpc-endpoint "127.0.0.1:$grpc_port" --http-endpoint "127.0.0.1:$http_port" \
        --admin-endpoint "127.0.0.1:$admin_port"
    local replica=$last_child backend='' result=0
    wait_until is_ready "$admin_port" || result=1
    "$@" >"$case/client.out" 2>&1 &
    local client=$!
    if [[ $scenario == flood ]]; then
        wait_until has_refused || result=1
        file_config >"$case/backend.yaml"
        start_replica backend --grpc-endpoint "127.0.0.1:$backend_port" --http-endpoint 127.0.0.1:0 \
            --admin-endpoint 127.0.0.1:0
        backend=$last_child
    fi
    wait "$client" || result=1
    check_kept >"$case/check.out" 2>&1 || result=1
    if [[ $scenario == partial ]]; then
        [[ $(metric tailsieve_router_spans_refused_total) -eq 1 ]] || result=1
    fi
    stop_replica "$replica"
    if [[ -n $backend ]]; then stop_replica "$backend"; fi
    report "$result" "$name"
}

check_kept() {
    if [[ -f $case/expected.json ]]; then
        python3 "$here/check_kept.py" "$case/kept" "$case/expected.json"
    else
        python3 "$here/check_kept.py" "$case/kept" --service telemetrygen-test 200
    fi
}

port_of() {
    if [[ $1 == grpc ]]; then echo "$grpc_port"; else echo "$http_port"; fi
}

python_client() {
    "$clients/venv/bin/python" "$here/sdk_client.py" --protocol "$1" --compression "$2" --scenario "$3" \
        --endpoint "http://127.0.0.1:$(port_of "$1")" --expect "$case/expected.json"
}

node_client() {
    NODE_PATH=$clients/node_modules node "$here/sdk_client.js" "$1" "$2" "$3" "http://127.0.0.1:$(port_of "$1")" \
        "$case/expected.json"
}

# telemetrygen PROTOCOL: 50 traces of 4 spans, as fast as it can (its default is one a second).
telemetrygen() {
    local protocol=()
    if [[ $1 == http ]]; then protocol=(--otlp-http); fi
    "$clients/bin/telemetrygen" traces "${protocol[@]}" --otlp-insecure --otlp-endpoint "127.0.0.1:$(port_of "$1")" \
        --traces 50 --child-spans 3 --workers 1 --rate 0 --service telemetrygen-test
}

(cd "$root" && cargo build --quiet)
install_clients
cat >"$work/keep.yaml" <<'YAML'
decision_wait: 300ms
policies: [{name: all, type: always_sample}]
YAML

for compression in none gzip; do
    for protocol in grpc http; do
        run_case "python $protocol $compression" plain python_client $protocol $compression plain
    done
    for protocol in grpc proto json; do
        run_case "node $protocol $compression" plain node_client $protocol $compression plain
    done
done
for protocol in grpc http; do
    run_case "telemetrygen $protocol" plain telemetrygen $protocol
    run_case "python $protocol refused and retried" flood python_client $protocol none flood
    run_case "python $protocol partial success" partial python_client $protocol none partial
done
for protocol in grpc proto json; do
    run_case "node $protocol refused and retried" flood node_client $protocol none flood
    run_case "node $protocol partial success" partial node_client $protocol none partial
done

echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
