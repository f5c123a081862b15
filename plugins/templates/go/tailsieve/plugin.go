//go:build wasm

package tailsieve

import "unsafe"

// A Verdict on a trace.
type Verdict struct {
	kind  uint8
	share float64
}

// Abstain, Sample, NotSample and Drop are the verdicts without a probability.
var (
	Abstain   = Verdict{kind: 0}
	Sample    = Verdict{kind: 1}
	NotSample = Verdict{kind: 2}
	Drop      = Verdict{kind: 3}
)

// SampleWithProbability keeps the trace with this probability, from 0 to 1.
func SampleWithProbability(share float64) Verdict { return Verdict{kind: 4, share: share} }

// Plugin is what a policy does; set its fields in an init function.
var Plugin struct {
	// Configure is called once, with the policy's config as JSON. What its error says is shown at the policy's place.
	Configure func(config string) error
	// Evaluate is called for each trace.
	Evaluate func(trace Trace) Verdict
}

// Results are here until the next call.
var (
	configured struct {
		isError uint8
		text    span32
	}
	verdict     Verdict
	configError string
)

//go:wasmexport configure
func configure(at unsafe.Pointer, length uint32) unsafe.Pointer {
	config := unsafe.String((*byte)(at), length)
	release()
	if err := Plugin.Configure(config); err != nil {
		configError = err.Error()
		configured.isError = 1
		data := unsafe.Pointer(unsafe.StringData(configError))
		configured.text = span32{uint32(uintptr(data)), uint32(len(configError))}
	}
	return unsafe.Pointer(&configured)
}

//go:wasmexport evaluate
func evaluate(trace int32) unsafe.Pointer {
	verdict = Plugin.Evaluate(Trace(trace))
	traceDrop(trace)
	return unsafe.Pointer(&verdict)
}
