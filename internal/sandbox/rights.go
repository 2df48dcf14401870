package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// administrators are the operations for which the documents want administrator
// rights; in [Options.Lacks] "admin" stands for them.
var administrators = []string{"GetMetadataTemplates", "GetSecurityTemplates"}

// lacks reports whether the account has no right to an operation.
func (o *Options) lacks(op string) bool {
	for name := range strings.SplitSeq(o.Lacks, ",") {
		if name == op || name == "admin" && slices.Contains(administrators, op) {
			return true
		}
	}
	return false
}

// checkLacks refuses names of no operation of the API.
func (o *Options) checkLacks() error {
	for name := range strings.SplitSeq(o.Lacks, ",") {
		known := name == "" || name == "admin" || slices.ContainsFunc(routes, func(h handler) bool { return h.op == name })
		if !known {
			return fmt.Errorf("lacks names no operation %q: have admin and the operationIds of the API, with commas", name)
		}
	}
	return nil
}

// refuseRight answers an operation to which the account has no right, in the shape
// that the knob names. It returns status 0 where the account has it.
func (c *call) refuseRight() (int, any) {
	if !c.o.lacks(c.op) {
		return 0, nil
	}
	switch c.o.LacksShape {
	case "unauthorized":
		return fail(http.StatusUnauthorized, "Unauthorized", "")
	case "forbidden":
		return fail(http.StatusForbidden, "Forbidden", "")
	case "other":
		return fail(http.StatusForbidden, "Insufficient privileges", "")
	}
	return fail(http.StatusForbidden, "User is not authorized to access this resource", "")
}
