//go:build wasm

// Package tailsieve is wit/policy.wit in Go: the comments there say what each function means.
package tailsieve

import "unsafe"

// A Trace is lent for one call of the policy.
type Trace int32

// Spans is a cursor over the spans of a trace. Drop it before the call ends.
type Spans int32

// A Scope says whose attributes are looked at.
type Scope uint32

// Those of spans and resources, of roots and their resources, of resources.
const (
	Any Scope = iota
	Root
	Resource
)

// A Status of a span.
type Status uint32

// What a span's status says.
const (
	Unset Status = iota
	Ok
	Error
)

// A Kind of a span.
type Kind uint32

// What kind of operation a span is.
const (
	Unspecified Kind = iota
	Internal
	Server
	Client
	Producer
	Consumer
)

// A Level of a line of the log.
type Level uint32

// How much a line matters.
const (
	LevelDebug Level = iota
	LevelInfo
	LevelWarn
	LevelError
)

// Log writes a line into Tailsieve's log.
func Log(level Level, message string) { hostLog(uint32(level), message) }

// ID of the trace: 32 hexadecimal digits.
func (t Trace) ID() string {
	var result span32
	traceID(int32(t), unsafe.Pointer(&result))
	defer release()
	return result.text()
}

// SpanCount is the number of its spans, at least 1.
func (t Trace) SpanCount() uint32 { return traceSpanCount(int32(t)) }

// ErrorCount is the number of its spans that failed.
func (t Trace) ErrorCount() uint32 { return traceErrorCount(int32(t)) }

// HasError says whether any has.
func (t Trace) HasError() bool { return traceHasError(int32(t)) }

// SizeBytes is the size of its spans as they were received.
func (t Trace) SizeBytes() uint32 { return traceSizeBytes(int32(t)) }

// DurationMs is the time from its earliest start to its latest end.
func (t Trace) DurationMs() float64 { return traceDurationMs(int32(t)) }

// StartUnixNs is its earliest start.
func (t Trace) StartUnixNs() uint64 { return traceStartUnixNs(int32(t)) }

// EndUnixNs is its latest end.
func (t Trace) EndUnixNs() uint64 { return traceEndUnixNs(int32(t)) }

// RootName is the name of its root; false without one.
func (t Trace) RootName() (string, bool) { return optional(t, traceRootName) }

// RootService is the service of its root; false without one.
func (t Trace) RootService() (string, bool) { return optional(t, traceRootService) }

// Services are its services, each once, in order.
func (t Trace) Services() []string {
	var result span32
	traceServices(int32(t), unsafe.Pointer(&result))
	defer release()
	if result.length == 0 {
		return nil
	}
	services := make([]string, result.length)
	for index, service := range unsafe.Slice((*span32)(result.pointer()), result.length) {
		services[index] = service.text()
	}
	return services
}

// HasAttribute says whether an attribute of this key is there.
func (t Trace) HasAttribute(scope Scope, key string) bool {
	return traceHasAttribute(int32(t), uint32(scope), key)
}

// AttributeEquals says whether an attribute has this text.
func (t Trace) AttributeEquals(scope Scope, key, value string) bool {
	return traceAttributeEquals(int32(t), uint32(scope), key, value)
}

// AttributeStartsWith says whether the text of an attribute begins so.
func (t Trace) AttributeStartsWith(scope Scope, key, prefix string) bool {
	return traceAttributeStartsWith(int32(t), uint32(scope), key, prefix)
}

// AttributeMax is the greatest number among the attributes of this key; false without a number.
func (t Trace) AttributeMax(scope Scope, key string) (float64, bool) {
	var result optionFloat
	traceAttributeMax(int32(t), uint32(scope), key, unsafe.Pointer(&result))
	return result.value, result.is != 0
}

// AttributeMin is the least, likewise.
func (t Trace) AttributeMin(scope Scope, key string) (float64, bool) {
	var result optionFloat
	traceAttributeMin(int32(t), uint32(scope), key, unsafe.Pointer(&result))
	return result.value, result.is != 0
}

// RootAttribute is the text of an attribute of the root, or else of its resource.
func (t Trace) RootAttribute(key string) (string, bool) {
	var result optionText
	traceRootAttribute(int32(t), key, unsafe.Pointer(&result))
	defer release()
	return result.value()
}

// Spans is a cursor before the first span.
func (t Trace) Spans() Spans { return Spans(traceSpans(int32(t))) }

// OTLPBytes is the whole trace as an OTLP TracesData.
func (t Trace) OTLPBytes() []byte {
	var result span32
	traceOTLPBytes(int32(t), unsafe.Pointer(&result))
	defer release()
	return unsafe.Slice((*byte)(result.pointer()), result.length)
}

func optional(t Trace, call func(int32, unsafe.Pointer)) (string, bool) {
	var result optionText
	call(int32(t), unsafe.Pointer(&result))
	defer release()
	return result.value()
}
