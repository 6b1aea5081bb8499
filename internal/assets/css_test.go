package main

import "testing"

func TestAdapt(t *testing.T) {
	for in, want := range map[string]string{
		// Sides.
		"  margin-left: 1rem;\n":                          "  margin-inline-start: 1rem;\n",
		"  right: 0;\n":                                   "  inset-inline-end: 0;\n",
		"  border-top-left-radius: 4px;\n":                "  border-start-start-radius: 4px;\n",
		"  text-align: right !important;\n":               "  text-align: end !important;\n",
		"  float: left;\n":                                "  float: inline-start;\n",
		"  padding: 1px 2px 3px 4px;\n":                   "  padding-block: 1px 3px;\n  padding-inline: 4px 2px;\n",
		"  margin: 0 calc(1px + 2px) 0 1px !important;\n": "  margin-block: 0 0 !important;\n  margin-inline: 1px calc(1px + 2px) !important;\n",
		"  padding: 1px 2px 3px 2px;\n":                   "  padding: 1px 2px 3px 2px;\n",
		"  padding: 1px 2px;\n":                           "  padding: 1px 2px;\n",
		"  text-align: left; /* physical */\n":            "  text-align: left; /* physical */\n",
		"  background-position: left top;\n":              "  background-position: left top;\n",
		".left {\n":                                       ".left {\n",
		// Colours: the same white is a surface, or text on a coloured one.
		"  background-color: white;\n":         "  background-color: var(--surface);\n",
		"  color: hsl(0, 0%, 100%);\n":         "  color: hsl(0, 0%, 100%);\n",
		"  color: hsl(210, 100%, 40%);\n":      "  color: var(--link);\n",
		"  background: #0066cc;\n":             "  background: var(--primary);\n",
		"  border: 1px solid #0066cc;\n":       "  border: 1px solid var(--link);\n",
		"  --bs-btn-bg: #0066cc;\n":            "  --bs-btn-bg: var(--primary);\n",
		"  --bs-btn-border-color: #0066cc;\n":  "  --bs-btn-border-color: var(--primary);\n",
		"  background: #0066cc80;\n":           "  background: #0066cc80;\n",
		"  background: #fff; /* literal */\n":  "  background: #fff; /* literal */\n",
		"  background: url(\"x#fff .svg\");\n": "  background: url(\"x#fff .svg\");\n",
	} {
		if got := adapt(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
