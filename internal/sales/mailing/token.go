package mailing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"segue/internal/guid"
	"segue/internal/schema/name"
)

// Act is what an address in an email asks for.
type Act byte

// The acts. Their values are in addresses that recipients have.
const (
	Open        Act = 'o' // the image was fetched
	Follow      Act = 'l' // a link was followed
	Unsubscribe Act = 'u'
)

// Path is where the addresses in emails begin: Path + act + "/" + token.
const Path = "/track/"

// macSize is how much of the signature an address carries: 128 bits are not guessed.
const macSize = 16

// tokenSize is an id, the number of a link, and the signature.
const tokenSize = 16 + 2 + macSize

// Token is what an address in an email names: a row of the ledger, and of its links one.
type Token struct {
	Act  Act
	Send name.SentEmailID
	Link int // 0 for other acts
}

// Address returns the address that stands for a token.
func (m *Mailing) Address(t Token) string {
	return m.Base + Path + string(t.Act) + "/" + m.sign(t)
}

// sign returns a token's text: what it says and the signature of it, URL-safe.
func (m *Mailing) sign(t Token) string {
	raw, _ := hex.DecodeString(strings.ReplaceAll(string(t.Send), "-", "")) // ids of sends are derived GUIDs
	raw = binary.BigEndian.AppendUint16(raw, uint16(t.Link))
	return base64.RawURLEncoding.EncodeToString(append(raw, m.mac(t.Act, raw)...))
}

func (m *Mailing) mac(act Act, raw []byte) []byte {
	h := hmac.New(sha256.New, m.Key)
	_, _ = h.Write([]byte("segue track "))
	_, _ = h.Write([]byte{byte(act)})
	_, _ = h.Write(raw)
	return h.Sum(nil)[:macSize]
}

// Verify reads the text of a token; ok is false for one that this installation has not
// signed for this act.
func (m *Mailing) Verify(act Act, text string) (t Token, ok bool) {
	all, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(all) != tokenSize || len(m.Key) == 0 {
		return Token{}, false
	}
	raw, mac := all[:tokenSize-macSize], all[tokenSize-macSize:]
	if !hmac.Equal(mac, m.mac(act, raw)) {
		return Token{}, false
	}
	id, ok := guid.ParseAny(hex.EncodeToString(raw[:16]))
	return Token{Act: act, Send: name.SentEmailID(id), Link: int(binary.BigEndian.Uint16(raw[16:]))}, ok
}
