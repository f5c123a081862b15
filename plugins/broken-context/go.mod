module broken-context

go 1.24

// The bindings of the template.
require my-policy v0.0.0

replace my-policy => ../templates/go
