package sandbox

// DefaultAccount is the account of a small brand team: four metadata templates,
// five vocabularies, three security templates and two users. Each call returns
// a fresh copy with the same ids.
func DefaultAccount() *Account {
	a := &Account{
		APIKey:     "sandbox-api-key-5up3r",
		ClientID:   "7sandboxclient0id5m1jk",
		UserPoolID: "us-east-1_SandBox01",
		CustomerID: "1571671854139",
		Users: []User{
			{Username: "ingest", Password: "sandbox-pa55word", Email: "ingest@example.com", FirstName: "Ingest", LastName: "Service"},
			{Username: "librarian", Password: "librarian-pa55word", Email: "librarian@example.com", FirstName: "Lena", LastName: "Brarian"},
		},
		Vocabularies: []Vocabulary{
			{Name: "Brand", Values: values("Acme", "Globex", "Initech", "Müller & Söhne", "Umbrella")},
			{Name: "Channel", Values: values("Web", "Social", "Print", "Broadcast", "Out of Home")},
			{Name: "Territory", Values: values("Americas", "APAC", "EMEA", "Worldwide")},
			{Name: "Usage Rights", Values: values("Internal", "Editorial", "Commercial", "Unlimited")},
			{Name: "Document Type", Values: values("Brief", "Contract", "Guideline", "Release")},
		},
		SecurityTemplates: []SecurityTemplate{{Name: "Creative Internal"}, {Name: "Creative Public"}, {Name: "Agency Restricted"}},
		Templates: []Template{
			{Name: "Creative Asset", Groups: []Group{
				{Name: "Description", Attributes: []Attribute{
					{Name: "Title", Type: "text", Length: 200, Required: true},
					{Name: "Description", Type: "text", Length: 2000},
					{Name: "Keywords", Type: "text", Length: 1000},
					{Name: "Campaign", Type: "text", Length: 60},
					{Name: "Brand", Type: "controlledVocabulary", Vocabulary: "Brand"},
					{Name: "Channels", Type: "controlledVocabulary", Vocabulary: "Channel", Multiple: true},
					{Name: "Shot Date", Type: "date"},
				}},
				{Name: "Rights", Attributes: []Attribute{
					{Name: "Rights Status", Type: "controlledVocabulary", Vocabulary: "Usage Rights"},
					{Name: "Embargo Until", Type: "date", DateFormat: "yyyy-MM-dd"},
					{Name: "Usage Rights", Type: "tableAttribute", Columns: []Attribute{
						{Name: "Territory", Type: "controlledVocabulary", Vocabulary: "Territory"},
						{Name: "Rights Expire", Type: "date", DateFormat: "dd/MM/yyyy"},
						{Name: "Note", Type: "text", Length: 100},
					}},
				}},
				systemGroup(),
			}},
			{Name: "Video", Groups: []Group{
				{Name: "Description", Attributes: []Attribute{
					{Name: "Title", Type: "text", Length: 200, Required: true},
					{Name: "Brand", Type: "controlledVocabulary", Vocabulary: "Brand", Required: true},
					{Name: "Release Date", Type: "date", DateFormat: "dd/MM/yyyy"},
					{Name: "Transcript", Type: "externalContent"},
				}},
				systemGroup(),
			}},
			{Name: "Document", Groups: []Group{
				{Name: "Description", Attributes: []Attribute{
					{Name: "Title", Type: "text", Length: 80},
					{Name: "Document Type", Type: "controlledVocabulary", Vocabulary: "Document Type"},
				}},
				systemGroup(),
			}},
			{Name: "Approval", Types: []string{"action"}, Groups: []Group{
				{Name: "Approval", Attributes: []Attribute{{Name: "Decision", Type: "text", Length: 20}}},
			}},
		},
	}
	if err := a.complete(); err != nil {
		panic("sandbox: default account: " + err.Error()) // a typing mistake above
	}
	return a
}

// systemGroup is what the platform itself keeps in every template.
func systemGroup() Group {
	var attrs []Attribute
	for _, name := range []string{"Created By", "Created Epoch", "File Size", "Checksum", "Mime Type", "Match"} {
		at := Attribute{Name: name, Type: "text", ReadOnly: true}
		deriveField(&at.SearchField, "system "+name)
		attrs = append(attrs, at)
	}
	return Group{Name: "System", SearchField: "system", Attributes: attrs}
}

func values(names ...string) []VocabularyValue {
	out := make([]VocabularyValue, len(names))
	for i, n := range names {
		out[i].Name = n
	}
	return out
}
