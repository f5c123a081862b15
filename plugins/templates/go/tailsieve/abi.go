//go:build wasm

package tailsieve

import "unsafe"

// How values cross the boundary: the canonical ABI of the component model, written by hand for the types in
// wit/policy.wit, so that no generator is needed.

// What the host has allocated during the present call into it: the collector sees no pointers in what the host writes.
var allocated [][]byte

//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldBytes, align, bytes uint32) unsafe.Pointer {
	// Go aligns what it allocates by its size; no type in the WIT needs more than 8.
	words := make([]uint64, (bytes+7)/8+1)
	block := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)
	copy(block, unsafe.Slice((*byte)(old), oldBytes))
	allocated = append(allocated, block)
	return unsafe.Pointer(&block[0])
}

// The call into the host is over: what it has allocated belongs to those who refer to it.
func release() {
	clear(allocated)
	allocated = allocated[:0]
}

// A string, or a list, as the host writes it.
type span32 struct{ at, length uint32 }

func (s span32) pointer() unsafe.Pointer {
	return unsafe.Pointer(uintptr(s.at)) //nolint:govet // It is in `allocated`.
}

func (s span32) text() string {
	return unsafe.String((*byte)(s.pointer()), s.length)
}

type optionText struct {
	is   uint8
	text span32
}

func (o *optionText) value() (string, bool) {
	if o.is == 0 {
		return "", false
	}
	return o.text.text(), true
}

type optionFloat struct {
	is    uint8
	value float64
}

type optionUint32 struct {
	is    uint8
	value uint32
}
