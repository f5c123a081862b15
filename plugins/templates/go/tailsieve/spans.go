//go:build wasm

package tailsieve

import "unsafe"

// Drop ends the use of the cursor.
func (s Spans) Drop() { spansDrop(int32(s)) }

// Next goes on to the next span; false when there is no more.
func (s Spans) Next() bool { return spansNext(int32(s)) }

// Seek goes to the span of this number.
func (s Spans) Seek(index uint32) bool { return spansSeek(int32(s), index) }

// Index is the current span's number.
func (s Spans) Index() uint32 { return spansIndex(int32(s)) }

// Parent is the number of the current span's parent; false where it is not in the trace.
func (s Spans) Parent() (uint32, bool) {
	var result optionUint32
	spansParent(int32(s), unsafe.Pointer(&result))
	return result.value, result.is != 0
}

// IsRoot says whether it has no parent, in the trace or elsewhere.
func (s Spans) IsRoot() bool { return spansIsRoot(int32(s)) }

// ID of the span: 16 hexadecimal digits.
func (s Spans) ID() string { return s.text(spansID) }

// ParentID is the parent's ID; empty of a root.
func (s Spans) ParentID() string { return s.text(spansParentID) }

// Name of the span.
func (s Spans) Name() string { return s.text(spansName) }

// Kind of the span.
func (s Spans) Kind() Kind { return Kind(spansKind(int32(s))) }

// Status of the span.
func (s Spans) Status() Status { return Status(spansStatus(int32(s))) }

// StatusMessage is the text that came with the status.
func (s Spans) StatusMessage() string { return s.text(spansStatusMessage) }

// StartUnixNs is when it began.
func (s Spans) StartUnixNs() uint64 { return spansStartUnixNs(int32(s)) }

// EndUnixNs is when it ended.
func (s Spans) EndUnixNs() uint64 { return spansEndUnixNs(int32(s)) }

// DurationMs is the time from its start to its end.
func (s Spans) DurationMs() float64 { return spansDurationMs(int32(s)) }

// Service of its resource.
func (s Spans) Service() string { return s.text(spansService) }

// ScopeName is the name of its instrumentation scope.
func (s Spans) ScopeName() string { return s.text(spansScopeName) }

// HasAttribute says whether it has an attribute of this key.
func (s Spans) HasAttribute(key string) bool { return spansHasAttribute(int32(s), key) }

// Attribute is the text of an attribute of its own.
func (s Spans) Attribute(key string) (string, bool) {
	var result optionText
	spansAttribute(int32(s), key, unsafe.Pointer(&result))
	defer release()
	return result.value()
}

// AttributeNumber is the number of an attribute of its own.
func (s Spans) AttributeNumber(key string) (float64, bool) {
	var result optionFloat
	spansAttributeNumber(int32(s), key, unsafe.Pointer(&result))
	return result.value, result.is != 0
}

// ResourceAttribute is the text of an attribute of its resource.
func (s Spans) ResourceAttribute(key string) (string, bool) {
	var result optionText
	spansResourceAttribute(int32(s), key, unsafe.Pointer(&result))
	defer release()
	return result.value()
}

// EventCount is the number of its events of this name.
func (s Spans) EventCount(name string) uint32 { return spansEventCount(int32(s), name) }

func (s Spans) text(call func(int32, unsafe.Pointer)) string {
	var result span32
	call(int32(s), unsafe.Pointer(&result))
	defer release()
	return result.text()
}
