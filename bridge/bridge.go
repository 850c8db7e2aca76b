// Package bridge is the heart of ImagineBridge, without I/O: what people see
// ([Message]), who gets it ([Subscription]), who sends it ([Sink]) and the loop
// that takes events from a [Lane] to a sink and never loses or repeats one
// ([Worker]). It must not know NATS, HTTP or any chat platform.
package bridge
