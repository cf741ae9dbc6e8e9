package regru

import "strings"

// checkURLKey checks what user/set_reseller_url and user/get_reseller_url share (5.6).
func checkURLKey(c *call) *apiError {
	for _, name := range []string{"servtype", "url_type"} {
		if c.params.text(name) == "" {
			return missing(name)
		}
	}
	if c.params.text("servtype") != "srv_seowizard" {
		return incorrect("servtype")
	}
	if t := c.params.text("url_type"); t != "refill" && t != "refund" {
		return incorrect("url_type")
	}
	return nil
}

// setResellerURL keeps the URL as it is, tokens included.
func (s *Server) setResellerURL(c *call) (answer, *apiError) {
	if err := checkURLKey(c); err != nil {
		return nil, err
	}
	url := c.params.text("url")
	switch {
	case url == "":
		return nil, missing("url")
	case !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://"):
		return nil, incorrect("url") // assumed
	case !c.account.test:
		c.account.urls[c.params.text("url_type")] = url
	}
	return nil, nil
}

// getResellerURL answers an empty string for a URL that was never set (assumed).
func (s *Server) getResellerURL(c *call) (answer, *apiError) {
	if err := checkURLKey(c); err != nil {
		return nil, err
	}
	return answer{"url": c.account.urls[c.params.text("url_type")]}, nil
}
