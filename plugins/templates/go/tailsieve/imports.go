//go:build wasm

package tailsieve

import "unsafe"

// The functions of the host. What is longer than a number it writes to `result`.

//go:wasmimport tailsieve:policy/host@1.0.0 log
func hostLog(level uint32, message string)

//go:wasmimport tailsieve:policy/host@1.0.0 [resource-drop]trace
func traceDrop(trace int32)

//go:wasmimport tailsieve:policy/host@1.0.0 [resource-drop]spans
func spansDrop(spans int32)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.id
func traceID(trace int32, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.span-count
func traceSpanCount(trace int32) uint32

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.error-count
func traceErrorCount(trace int32) uint32

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.has-error
func traceHasError(trace int32) bool

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.size-bytes
func traceSizeBytes(trace int32) uint32

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.duration-ms
func traceDurationMs(trace int32) float64

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.start-unix-ns
func traceStartUnixNs(trace int32) uint64

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.end-unix-ns
func traceEndUnixNs(trace int32) uint64

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.root-name
func traceRootName(trace int32, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.root-service
func traceRootService(trace int32, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.services
func traceServices(trace int32, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.has-attribute
func traceHasAttribute(trace int32, scope uint32, key string) bool

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.attribute-equals
func traceAttributeEquals(trace int32, scope uint32, key, value string) bool

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.attribute-starts-with
func traceAttributeStartsWith(trace int32, scope uint32, key, prefix string) bool

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.attribute-max
func traceAttributeMax(trace int32, scope uint32, key string, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.attribute-min
func traceAttributeMin(trace int32, scope uint32, key string, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.root-attribute
func traceRootAttribute(trace int32, key string, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.spans
func traceSpans(trace int32) int32

//go:wasmimport tailsieve:policy/host@1.0.0 [method]trace.otlp-bytes
func traceOTLPBytes(trace int32, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.next
func spansNext(spans int32) bool

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.seek
func spansSeek(spans int32, index uint32) bool

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.index
func spansIndex(spans int32) uint32

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.parent
func spansParent(spans int32, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.is-root
func spansIsRoot(spans int32) bool

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.id
func spansID(spans int32, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.parent-id
func spansParentID(spans int32, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.name
func spansName(spans int32, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.kind
func spansKind(spans int32) uint32

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.status
func spansStatus(spans int32) uint32

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.status-message
func spansStatusMessage(spans int32, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.start-unix-ns
func spansStartUnixNs(spans int32) uint64

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.end-unix-ns
func spansEndUnixNs(spans int32) uint64

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.duration-ms
func spansDurationMs(spans int32) float64

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.service
func spansService(spans int32, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.scope-name
func spansScopeName(spans int32, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.has-attribute
func spansHasAttribute(spans int32, key string) bool

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.attribute
func spansAttribute(spans int32, key string, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.attribute-number
func spansAttributeNumber(spans int32, key string, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.resource-attribute
func spansResourceAttribute(spans int32, key string, result unsafe.Pointer)

//go:wasmimport tailsieve:policy/host@1.0.0 [method]spans.event-count
func spansEventCount(spans int32, name string) uint32
