package facts

// pdfNames are the names of what is told of a PDF, each with its other names.
var pdfNames = [][]string{
	{"Title"}, {"Author"}, {"Subject"}, {"Keywords"}, {"Creator"}, {"Producer"},
	{"CreationDate", "CreateDate", "Created"}, {"ModDate", "ModifyDate", "Modified"}, {"Trapped"},
	{"PageCount", "Pages"}, {"Version", "PDFVersion"},
}
