package embedded

import (
	"bytes"
	"errors"
	"fmt"
)

// walkPDF finds the XMP of the document: the stream that the catalog names. Pictures
// and pages have XMP of their own, so that no other is taken: where the catalog names
// none there is none, and where it cannot be found none is known.
func walkPDF(s *source, b *blocks) error {
	if !b.want.XMP {
		return nil
	}
	stream, err := documentXMP(s)
	switch {
	case errors.Is(err, errEncrypted):
		b.gap("xmp", "The document's XMP is not known: the PDF is encrypted.")
	case err != nil:
		b.fault("xmp", "The document's XMP", err)
	default:
		b.addXMP(stream)
	}
	return nil
}

var (
	errEncrypted = errors.New("it is encrypted")
	errRemoved   = errors.New("the catalog names metadata that are not there")
)

// documentXMP returns the XMP of a PDF as it is stored, nil where it has none.
func documentXMP(s *source) ([]byte, error) {
	f, err := openPDF(s)
	if err == nil {
		var stream []byte
		stream, err = f.xmp()
		if err == nil || errors.Is(err, errEncrypted) || errors.Is(err, errRemoved) {
			return stream, err
		}
	}
	if errors.Is(err, errUnreadable) {
		return nil, err
	}
	// What leads to the catalog is damaged: the objects are looked for.
	found, scanned := scanPDF(s)
	if scanned != nil {
		return nil, err
	}
	return found.xmp()
}

// xmp returns what the catalog names.
func (f *pdfFile) xmp() ([]byte, error) {
	catalog, ok, err := f.dict(f.trailer["Root"])
	switch {
	case err != nil && f.trailer["Encrypt"] != nil:
		return nil, errEncrypted // it is in an object stream
	case err != nil:
		return nil, fmt.Errorf("its catalog cannot be read: %w", err)
	case !ok:
		return nil, errors.New("it has no catalog")
	case catalog["Metadata"] == nil:
		return nil, nil
	}
	encrypted := f.encrypted()
	object, err := f.resolve(catalog["Metadata"])
	if err != nil {
		return nil, err
	}
	stream, ok := object.(pdfStream)
	if !ok {
		return nil, errRemoved
	}
	data, err := f.decode(stream)
	if encrypted && (err != nil || !bytes.Contains(data, []byte("<x:xmpmeta")) && !bytes.Contains(data, []byte("<?xpacket"))) {
		return nil, errEncrypted // some leave it as it is, whatever they say
	}
	return data, err
}

// encrypted reports whether the document is encrypted, and its metadata with it.
func (f *pdfFile) encrypted() bool {
	how, _, _ := f.dict(f.trailer["Encrypt"]) // where that cannot be read all of it is
	return f.trailer["Encrypt"] != nil && how["EncryptMetadata"] != false
}
