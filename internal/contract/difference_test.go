package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// difference is one point in which a request or a reply is not as documented.
type difference struct {
	operation string // operationId; "" for a request that fits none
	direction string // request or reply
	status    int    // of a reply
	at        string // JSON pointer into the body, or "header NAME", or "" for the whole
	rule      string // keyword of the schema, or one of the rules below
	detail    string // for the reader
}

// Directions, and rules that are no keyword of a schema.
const (
	request = "request"
	reply   = "reply"

	unknownOperation = "operation"
	unknownField     = "unknown field"
	unknownParameter = "unknown parameter"
	wrongParameter   = "parameter"
	wrongBody        = "body"
	wrongSecurity    = "security"
	unknownStatus    = "status"
)

func (d difference) String() string {
	place := d.operation + " " + d.direction
	if d.status != 0 {
		place += fmt.Sprintf(" %d", d.status)
	}
	return fmt.Sprintf("%s: %q: %s: %s", place, d.at, d.rule, d.detail)
}

// exchange is a request with its reply.
type exchange struct {
	operation string
	request   *http.Request // its body is in sent
	sent      []byte
	status    int
	header    http.Header
	received  []byte
}

// check returns all differences of an exchange from the document.
func (d *document) check(x *exchange) []difference {
	plain := x.request.Clone(context.Background())
	plain.Body, plain.GetBody, plain.ContentLength = http.NoBody, nil, int64(len(x.sent))
	if len(x.sent) > 0 {
		plain.Body = io.NopCloser(bytes.NewReader(x.sent))
	}
	route, params, err := d.router.FindRoute(plain)
	if err != nil {
		return []difference{{direction: request, rule: unknownOperation, detail: fmt.Sprintf("%s %s: %v", plain.Method, plain.URL.Path, err)}}
	}
	op := route.Operation
	in := &openapi3filter.RequestValidationInput{Request: plain, PathParams: params, Route: route, Options: d.options}

	of := difference{operation: op.OperationID, direction: request}
	list := of.split(openapi3filter.ValidateRequest(context.Background(), in))
	for _, at := range unlisted(op, x.request) {
		list = append(list, difference{operation: of.operation, direction: request, at: at, rule: unknownParameter, detail: "the document does not list it"})
	}
	of = difference{operation: op.OperationID, direction: reply, status: x.status}
	differs := d.checkReply(of, in, x.header, x.received)
	list = append(list, differs...)
	// An envelope is a difference; what is inside must not be one.
	if slices.ContainsFunc(differs, func(d difference) bool { return d.at == "/data" && d.rule == unknownField }) {
		var envelope struct {
			Data json.RawMessage `json:"data"`
		}
		if json.Unmarshal(x.received, &envelope) == nil {
			of.at = "/data"
			list = append(list, d.checkReply(of, in, x.header, envelope.Data)...)
		}
	}
	return list
}

func (d *document) checkReply(of difference, in *openapi3filter.RequestValidationInput, header http.Header, body []byte) []difference {
	return of.split(openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: of.status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Options: d.options,
	}))
}

// split takes what kin-openapi reports apart. d says where it happened.
func (d difference) split(err error) []difference {
	if err == nil {
		return nil
	}
	d.detail = err.Error()
	switch e := err.(type) {
	case openapi3.MultiError:
		var list []difference
		for _, one := range e {
			list = append(list, d.split(one)...)
		}
		return list
	case *openapi3.SchemaError:
		d.at += "/" + strings.Join(e.JSONPointer(), "/")
		d.rule, d.detail = e.SchemaField, e.Reason
		var name string
		if _, err := fmt.Sscanf(e.Reason, "property %q is unsupported", &name); err == nil {
			d.at, d.rule = strings.TrimSuffix(d.at, "/")+"/"+name, unknownField
		}
		return []difference{d}
	case *openapi3filter.SecurityRequirementsError:
		d.rule = wrongSecurity
		return []difference{d}
	case *openapi3filter.RequestError:
		if e.Parameter != nil {
			d.at, d.rule = e.Parameter.In+" "+e.Parameter.Name, wrongParameter
			return []difference{d}
		}
		if ofSchema(e.Err) {
			return d.split(e.Err)
		}
	case *openapi3filter.ResponseError:
		if ofSchema(e.Err) {
			return d.split(e.Err)
		}
		if e.Reason == "status is not supported" {
			d.rule = unknownStatus
			return []difference{d}
		}
	}
	d.rule = wrongBody
	return []difference{d}
}

// ofSchema reports whether err is about values, not about a body as a whole.
func ofSchema(err error) bool {
	return errors.As(err, new(*openapi3.SchemaError)) || errors.As(err, new(openapi3.MultiError))
}
