package sandbox

import (
	"fmt"
	"net/http"
)

// refusal is an answer that is an error: status, machine code and a sentence.
type refusal struct {
	status  int
	code    string
	message string
}

// Error is the sentence, with the code in front.
func (r *refusal) Error() string { return r.code + ": " + r.message }

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, "validation_error", format, args...)
}

func notFound(format string, args ...any) *refusal {
	return refuse(http.StatusNotFound, "not_found", format, args...)
}

func forbidden(format string, args ...any) *refusal {
	return refuse(http.StatusForbidden, "forbidden", format, args...)
}

func conflict(format string, args ...any) *refusal {
	return refuse(http.StatusConflict, "conflict", format, args...)
}

func badMedia(format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, "invalid_media", format, args...)
}

func unauthorized() *refusal {
	return refuse(http.StatusUnauthorized, "unauthorized", "The access token is invalid or expired")
}

// problem is the body of an error reply; the token endpoint uses OAuth's key.
type problem struct {
	Error       string `json:"error"`
	Message     string `json:"message,omitempty"`
	Description string `json:"error_description,omitempty"`
}
