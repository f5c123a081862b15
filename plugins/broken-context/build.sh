#!/bin/sh
# Builds broken-context.wasm: Go compiles for WASI, the template's wasi.wat answers what its runtime asks of that, wasm-tools joins the two.
set -eu
cd "$(dirname "$0")"
command -v wasm-tools >/dev/null || {
    echo "wasm-tools is missing: cargo install --locked wasm-tools, or a built one from" \
        "https://github.com/bytecodealliance/wasm-tools/releases" >&2
    exit 1
}
mkdir -p build
GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -o build/core.wasm .
wasm-tools component embed ../wit build/core.wasm -o build/embedded.wasm
wasm-tools component new build/embedded.wasm --adapt wasi_snapshot_preview1=../templates/go/wasi.wat -o broken-context.wasm
