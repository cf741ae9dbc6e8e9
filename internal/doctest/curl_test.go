package doctest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"accountgateway/internal/config"
)

// curl is the part of curl that the documents use, so that the test needs none.
// It calls only loopback addresses.
func curl(args []string, stdout, stderr io.Writer) (status int) {
	method, head, fail, insecure, target, body := "", false, false, false, "", ""
	hasBody := false
	header := http.Header{"User-Agent": {"curl/8"}, "Accept": {"*/*"}}
	wrong := func(format string, args ...any) int {
		fmt.Fprintf(stderr, "curl: "+format+"\n", args...)
		return 2
	}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if !strings.HasPrefix(arg, "-") {
			if target != "" {
				return wrong("a second URL %q: is it quoted?", arg)
			}
			target = arg
			continue
		}
		for _, flag := range strings.TrimPrefix(arg, "-") {
			switch flag {
			case 's', 'S':
			case 'i':
				head = true
			case 'f':
				fail = true
			case 'k':
				insecure = true
			case 'I':
				head, method = true, http.MethodHead
			case 'H', 'd', 'X':
				if len(args) == 0 {
					return wrong("-%c needs a value", flag)
				}
				value := args[0]
				args = args[1:]
				switch flag {
				case 'H':
					name, text, ok := strings.Cut(value, ":")
					if !ok {
						return wrong("%q is no header", value)
					}
					header.Set(name, strings.TrimSpace(text))
				case 'd':
					body, hasBody = value, true
				case 'X':
					method = value
				}
			default:
				return wrong("the test knows no %s", arg)
			}
		}
	}
	if hasBody {
		if method == "" {
			method = http.MethodPost
		}
		if header.Get("Content-Type") == "" {
			header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	if !strings.Contains(target, "://") {
		target = "http://" + target
	}
	u, err := url.Parse(target)
	if err != nil || !config.IsLoopback(u.Hostname()) {
		return wrong("%q is no URL on loopback", target)
	}
	top, answer, code, err := exchange(u, method, header, body, insecure)
	if err != nil {
		fmt.Fprintf(stderr, "curl: %v\n", err)
		return 7
	}
	if fail && code >= 400 {
		return 22
	}
	if head {
		_, _ = stdout.Write(top)
	}
	_, _ = stdout.Write(answer)
	return 0
}

// exchange sends one request and gives the head of the answer as it came, and
// its body.
func exchange(u *url.URL, method string, header http.Header, body string, insecure bool) (head, answer []byte, status int, err error) {
	port := u.Port()
	if port == "" {
		port = "80"
	}
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(u.Hostname(), port), 5*time.Second)
	if err != nil {
		return nil, nil, 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, nil, 0, err
	}
	if u.Scheme == "https" {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: insecure, ServerName: u.Hostname()})
	}
	request, err := http.NewRequest(method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, nil, 0, err
	}
	request.Header = header
	request.Close = true
	if err := request.Write(conn); err != nil {
		return nil, nil, 0, err
	}
	var raw bytes.Buffer
	response, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &raw)), request)
	if err != nil {
		return nil, nil, 0, err
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		return nil, nil, 0, err
	}
	top, _, _ := bytes.Cut(raw.Bytes(), []byte("\r\n\r\n"))
	top = bytes.ReplaceAll(top, []byte("Connection: close\r\n"), nil) // curl would keep it
	top = bytes.TrimSuffix(top, []byte("\r\nConnection: close"))
	return append(top, "\r\n\r\n"...), answer, response.StatusCode, nil
}

func curlMain() int { return curl(os.Args[1:], os.Stdout, os.Stderr) }
