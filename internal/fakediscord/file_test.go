package fakediscord_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUploadAndDownload(t *testing.T) {
	t.Parallel()
	fake, ch, clock := limited(t, quick())
	path := "/channels/" + ch + "/messages"
	payload := quiet(`"attachments":[{"id":0,"filename":"cat.txt","description":"a cat"}],"embeds":[{"image":{"url":"attachment://cat.txt"}}]`)
	a := send(t, upload(t, fake, path, payload, map[string]string{"files[0]=cat.txt": "miaow"}))
	require.Equal(t, 200, a.status, "%s", a.body)
	m := fake.Messages(ch)[0]
	require.Len(t, m.Attachments, 1)
	require.Equal(t, "a cat", m.Attachments[0].Description)
	require.Equal(t, []string{"cat.txt"}, fake.Requests()[0].Files)

	get := func(url string) answer {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		return send(t, r)
	}
	require.Equal(t, "miaow", string(get(m.Attachments[0].URL).body))
	require.Equal(t, 404, get(strings.Replace(m.Attachments[0].URL, "hm=", "hm=0", 1)).status, "a wrong signature")
	clock.Add(25 * time.Hour)
	require.Equal(t, 404, get(m.Attachments[0].URL).status, "expired")
	require.Equal(t, 200, get(fake.Messages(ch)[0].Attachments[0].URL).status, "signed anew")
	require.Empty(t, fake.Faults())
}

func TestWrongUploadsAreRefused(t *testing.T) {
	t.Parallel()
	o := quick()
	o.FileLimit = 4
	fake, ch := start(t, o)
	path := "/channels/" + ch + "/messages"
	require.Equal(t, 40005, send(t, upload(t, fake, path, quiet(""), map[string]string{"files[0]=a": "12345"})).code(t))
	require.Equal(t, 50035, send(t, upload(t, fake, path, quiet(`"attachments":[{"id":"1"}]`), map[string]string{"files[0]=a": "1"})).code(t))
	require.Equal(t, 50035, send(t, upload(t, fake, path, quiet(""), map[string]string{"file=a": "1"})).code(t))
	require.Empty(t, fake.Messages(ch))
	require.Equal(t, 200, send(t, upload(t, fake, path, quiet(""), map[string]string{"files[0]=a": "1234"})).status)

	id := fake.Messages(ch)[0].ID
	kept := fake.Messages(ch)[0].Attachments[0].ID
	require.Equal(t, 200, do(t, fake, http.MethodPatch, path+"/"+id, quiet(`"content":"c","attachments":[{"id":"`+kept+`"}]`)).status)
	require.Len(t, fake.Messages(ch)[0].Attachments, 1)
	require.Equal(t, 200, do(t, fake, http.MethodPatch, path+"/"+id, quiet(`"attachments":[]`)).status)
	require.Empty(t, fake.Messages(ch)[0].Attachments)
}
