package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/google/uuid"
)

// Account is what a Tenovos customer has configured and what the client logs in
// with. In a JSON seed every id may be left out; it is then derived from the
// name, the same on every run.
type Account struct {
	APIKey            string             `json:"apiKey"`
	ClientID          string             `json:"clientId"`
	UserPoolID        string             `json:"userPoolId"`
	CustomerID        string             `json:"customerId"`
	Users             []User             `json:"users"` // the first is the account that cmd/tenovos-sandbox announces
	Templates         []Template         `json:"templates"`
	Vocabularies      []Vocabulary       `json:"vocabularies"`
	SecurityTemplates []SecurityTemplate `json:"securityTemplates"`
}

// User is someone who can log in or be impersonated.
type User struct {
	ID        string   `json:"id"`
	Username  string   `json:"username"`
	Password  string   `json:"password"`
	Email     string   `json:"email"`
	FirstName string   `json:"firstName"`
	LastName  string   `json:"lastName"`
	RoleID    string   `json:"roleId"`
	Groups    []string `json:"groups"` // ids
}

// Template is a metadata template.
type Template struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Types  []string `json:"types"` // default, action, search, proof, tile; empty is default
	Groups []Group  `json:"groups"`
}

// Group is a block of attributes within a template.
type Group struct {
	Name        string      `json:"name"`
	SearchField string      `json:"searchField"`
	Attributes  []Attribute `json:"attributes"`
}

// Attribute is a field of a template, or a column of a table.
type Attribute struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	SearchField string      `json:"searchField"`
	Type        string      `json:"type"` // text, date, controlledVocabulary, tableAttribute
	Required    bool        `json:"required"`
	ReadOnly    bool        `json:"readonly"`
	Hidden      bool        `json:"hidden"`
	Multiple    bool        `json:"multiple"`   // of a vocabulary
	Length      int         `json:"length"`     // of a text, in characters; 0 is no limit
	DateFormat  string      `json:"dateFormat"` // MM/dd/yyyy when empty
	Vocabulary  string      `json:"vocabulary"` // name or id
	Columns     []Attribute `json:"columns"`    // of a table
}

// Vocabulary is a controlled vocabulary.
type Vocabulary struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	SearchField string            `json:"searchField"`
	Values      []VocabularyValue `json:"values"`
}

// VocabularyValue is one term of a vocabulary. In a seed it may be a bare string.
type VocabularyValue struct {
	ID   string `json:"valueId"`
	Name string `json:"valueName"`
}

// UnmarshalJSON takes an object or the bare name.
func (v *VocabularyValue) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &v.Name)
	}
	type plain VocabularyValue
	return json.Unmarshal(data, (*plain)(v))
}

// SecurityTemplate is what assets are protected with.
type SecurityTemplate struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// AddValue gives the account another term of a vocabulary, named by its name or
// id, as somebody may do in the application at any time. It reports whether there
// is such a vocabulary.
func (s *Server) AddValue(vocabulary, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := *s.account.Load()
	a.Vocabularies = slices.Clone(a.Vocabularies)
	for i := range a.Vocabularies {
		v := &a.Vocabularies[i]
		if v.Name == vocabulary || v.ID == vocabulary {
			v.Values = append(slices.Clone(v.Values), VocabularyValue{ID: SeedID("value", v.Name+"/"+name), Name: name})
			s.account.Store(&a)
			return true
		}
	}
	return false
}

// SeedID is the id that a seed's item gets when it has none. Kinds are user,
// role, template, attribute (name: "template/attribute", a column
// "template/table/column"), vocabulary, value (name: "vocabulary/value"),
// security and group.
func SeedID(kind, name string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("tenovos-sandbox "+kind+" "+name)).String()
}

// ReadAccount reads a JSON seed. Whatever of Account it leaves out is taken from
// DefaultAccount.
func ReadAccount(r io.Reader) (*Account, error) {
	a := DefaultAccount()
	var given Account
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&given); err != nil {
		return nil, fmt.Errorf("read account seed: %w", err)
	}
	for _, p := range []struct {
		to   *string
		from string
	}{{&a.APIKey, given.APIKey}, {&a.ClientID, given.ClientID}, {&a.UserPoolID, given.UserPoolID}, {&a.CustomerID, given.CustomerID}} {
		if p.from != "" {
			*p.to = p.from
		}
	}
	if given.Users != nil {
		a.Users = given.Users
	}
	if given.Templates != nil {
		a.Templates = given.Templates
	}
	if given.Vocabularies != nil {
		a.Vocabularies = given.Vocabularies
	}
	if given.SecurityTemplates != nil {
		a.SecurityTemplates = given.SecurityTemplates
	}
	if err := a.complete(); err != nil {
		return nil, fmt.Errorf("account seed: %w", err)
	}
	return a, nil
}

// complete derives the ids and search fields that are missing and resolves the
// vocabularies of attributes to ids.
func (a *Account) complete() error {
	if len(a.Users) == 0 {
		return fmt.Errorf("no users: nobody could log in")
	}
	for i := range a.Users {
		u := &a.Users[i]
		deriveID(&u.ID, "user", u.Username)
		deriveID(&u.RoleID, "role", "Librarian")
		if u.Groups == nil {
			u.Groups = []string{SeedID("group", "Ingest")}
		}
	}
	vocabularies := map[string]string{}
	for i := range a.Vocabularies {
		v := &a.Vocabularies[i]
		deriveID(&v.ID, "vocabulary", v.Name)
		deriveField(&v.SearchField, v.Name)
		vocabularies[v.Name], vocabularies[v.ID] = v.ID, v.ID
		for j := range v.Values {
			deriveID(&v.Values[j].ID, "value", v.Name+"/"+v.Values[j].Name)
		}
	}
	for i := range a.SecurityTemplates {
		deriveID(&a.SecurityTemplates[i].ID, "security", a.SecurityTemplates[i].Name)
	}
	for i := range a.Templates {
		t := &a.Templates[i]
		deriveID(&t.ID, "template", t.Name)
		if t.Types == nil {
			t.Types = []string{"default"}
		}
		for j := range t.Groups {
			deriveField(&t.Groups[j].SearchField, t.Groups[j].Name)
			if err := completeAttributes(t.Groups[j].Attributes, t.Name, vocabularies); err != nil {
				return err
			}
		}
	}
	return nil
}

func completeAttributes(attrs []Attribute, owner string, vocabularies map[string]string) error {
	for i := range attrs {
		at := &attrs[i]
		where := owner + "/" + at.Name
		deriveID(&at.ID, "attribute", where)
		deriveField(&at.SearchField, at.Name)
		switch at.Type {
		case "text":
		case "date":
			if at.DateFormat == "" {
				at.DateFormat = "MM/dd/yyyy"
			}
		case "controlledVocabulary":
			id, ok := vocabularies[at.Vocabulary]
			if !ok {
				return fmt.Errorf("attribute %q: no vocabulary %q", where, at.Vocabulary)
			}
			at.Vocabulary = id
		case "tableAttribute":
			if len(at.Columns) == 0 {
				return fmt.Errorf("attribute %q: a table needs columns", where)
			}
			if err := completeAttributes(at.Columns, where, vocabularies); err != nil {
				return err
			}
		case "externalContent": // described, but nothing can be written to it
		default:
			return fmt.Errorf("attribute %q: type %q is not one of text, date, controlledVocabulary, tableAttribute, externalContent", where, at.Type)
		}
	}
	return nil
}

func deriveID(id *string, kind, name string) {
	if *id == "" {
		*id = SeedID(kind, name)
	}
}

// deriveField makes a search field of a name: "Shot Date" is shot_date.
func deriveField(field *string, name string) {
	if *field != "" {
		return
	}
	out := []byte{}
	for _, word := range tokens(name) {
		if len(out) > 0 {
			out = append(out, '_')
		}
		out = append(out, word...)
	}
	*field = string(out)
}

// template returns the metadata template with the id.
func (a *Account) template(id string) *Template {
	for i := range a.Templates {
		if a.Templates[i].ID == id {
			return &a.Templates[i]
		}
	}
	return nil
}

// vocabulary returns the vocabulary with the id.
func (a *Account) vocabulary(id string) *Vocabulary {
	for i := range a.Vocabularies {
		if a.Vocabularies[i].ID == id {
			return &a.Vocabularies[i]
		}
	}
	return nil
}

func (a *Account) hasSecurity(id string) bool {
	for _, s := range a.SecurityTemplates {
		if s.ID == id {
			return true
		}
	}
	return false
}

// attribute returns the template's attribute with the definition id; a column
// of a table is not one.
func (t *Template) attribute(id string) *Attribute {
	for i := range t.Groups {
		for j := range t.Groups[i].Attributes {
			if t.Groups[i].Attributes[j].ID == id {
				return &t.Groups[i].Attributes[j]
			}
		}
	}
	return nil
}

// value returns the name of a value of the vocabulary.
func (v *Vocabulary) value(id string) (string, bool) {
	for _, x := range v.Values {
		if x.ID == id {
			return x.Name, true
		}
	}
	return "", false
}
